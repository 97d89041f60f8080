"""Sound is seen where and as loud as it is, whatever the blocks it comes in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import noise
from unbraid.audio.overview import BANDS, WINDOW, Overview, shorten


def overview_of(song: np.ndarray, rate: int = 44_100, lengths: tuple[int, ...] = (44_100,)) -> Overview:
    overview = Overview(rate, steps_per_second=20, steps_per_column=2)
    start = number = 0
    while start < song.shape[1]:
        length = lengths[number % len(lengths)]
        overview.add(song[:, start : start + length])
        start, number = start + length, number + 1
    overview.finish()
    return overview


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_a_tone_is_seen_where_it_is(rate: int) -> None:
    """1 kHz at half of full scale, in the third of four seconds."""
    song = np.zeros((2, 4 * rate), np.float32)
    song[:, 2 * rate : 3 * rate] = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate)
    overview = overview_of(song, rate)
    assert overview.peaks.shape == overview.loudness.shape == (80,)
    np.testing.assert_allclose(overview.peaks[40:60], 0.5, atol=0.01)
    np.testing.assert_allclose(overview.loudness[40:60], 0.5 / 2**0.5, atol=0.01)
    assert not overview.peaks[:40].any()
    assert not overview.peaks[60:].any()
    levels = overview.levels
    assert levels.shape == (40, BANDS)
    assert not levels[: 20 - WINDOW * 10 // rate - 1].any(), "a column shows what follows it, a window long"
    loudest = levels[25].argmax()
    assert overview.bands[loudest] * 0.9 < 1_000 < overview.bands[loudest + 1] * 1.1
    assert levels[25, loudest] == pytest.approx(255 * (1 - 6 / 90), abs=6)


@given(rate=st.sampled_from([8_000, 44_100]), lengths=st.lists(st.integers(1, 9_000), min_size=1, max_size=4))
@settings(max_examples=10, deadline=None)
def test_it_does_not_matter_in_which_blocks_a_song_comes(rate: int, lengths: list[int]) -> None:
    song = noise(2, 30_000)
    whole, found = overview_of(song, rate, (30_000,)), overview_of(song, rate, tuple(lengths))
    np.testing.assert_array_equal(found.peaks, whole.peaks)
    np.testing.assert_allclose(found.loudness, whole.loudness, rtol=1e-6)
    np.testing.assert_array_equal(found.levels, whole.levels)


def test_a_stem_without_a_sample() -> None:
    overview = overview_of(np.zeros((2, 0), np.float32))
    assert overview.peaks.size == overview.levels.size == 0


def test_a_long_song_is_shortened_without_losing_its_peaks() -> None:
    values = np.zeros((10_001, 3))
    values[7_777, 1] = 1.0
    short = shorten(values, 1_200)
    assert len(short) <= 1_200
    assert short.max(axis=0).tolist() == [0.0, 1.0, 0.0]
