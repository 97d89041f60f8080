"""What nobody hears is taken out, what is heard stays, and it does not matter in which blocks the song comes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import noise
from unbraid.audio import Audio
from unbraid.inference.dc_blocker import without_offset

RATE = 8_000


def heard(song: Audio, *cuts: int, rate: int = RATE) -> Audio:
    blocks = np.split(song, sorted(cuts), axis=1)
    return np.concatenate(list(without_offset(blocks, rate)), axis=1)


def swing(hertz: float) -> Audio:
    return np.cos(2 * np.pi * hertz * np.arange(4 * RATE) / RATE, dtype=np.float32)[np.newaxis]


@given(samples=st.integers(1, 5_000), cuts=st.lists(st.integers(0, 5_000), max_size=6))
def test_the_blocks_change_nothing(samples: int, cuts: list[int]) -> None:
    song = noise(2, samples)
    found = heard(song, *cuts)
    assert found.dtype == np.float32
    assert found.shape == song.shape
    np.testing.assert_allclose(found, heard(song), atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_an_offset_is_gone_but_for_its_steps_at_the_ends(rate: int) -> None:
    song, inside = noise(2, 2 * rate), slice(rate // 6, -rate // 6)
    shifted = heard(song + np.array([[0.05], [-0.3]], np.float32), rate=rate)
    np.testing.assert_allclose(shifted[:, inside], heard(song, rate=rate)[:, inside], atol=1e-6)


@pytest.mark.parametrize("hertz", [16, 20, 27.5, 41.2, 55, 1_000])
def test_what_is_heard_stays(hertz: float) -> None:
    song, inside = swing(hertz), slice(RATE, -RATE)
    np.testing.assert_allclose(heard(song)[:, inside], song[:, inside], atol=0.011)


@pytest.mark.parametrize(("hertz", "left"), [(0.1, 0.001), (0.5, 0.02), (1, 0.06)])
def test_what_swings_slowly_goes(hertz: float, left: float) -> None:
    assert np.abs(heard(swing(hertz)))[:, RATE:-RATE].max() < left


def test_silence_stays_silent() -> None:
    song = noise(2, RATE)
    song[:, 2_000:6_000] = 0.0
    assert not heard(song)[:, 2_000:6_000].any()


def test_a_song_without_samples() -> None:
    assert list(without_offset([np.zeros((2, 0), np.float32)], RATE)) == []
    assert list(without_offset([], RATE)) == []
