"""The filter bank reconstructs what it analysed, on one grid for all tiles."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unbraid.inference.filter_bank import analysis, band_powers, synthesis, views

SHAPES = st.sampled_from([(4096, 1024), (2048, 512), (1024, 512), (64, 16), (8, 2)])


def noise(channels: int, samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, samples)).astype(np.float32)


@given(shape=SHAPES, frames=st.integers(8, 24), channels=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_synthesis_of_the_analysis_is_the_sound(shape: tuple[int, int], frames: int, channels: int, seed: int) -> None:
    window, hop = shape
    sound = noise(channels, frames * hop, seed)
    spectrum = analysis(sound, window, hop)
    assert spectrum.shape == (channels, frames, window // 2 + 1)
    assert spectrum.dtype == np.complex64
    back = synthesis(spectrum, window, hop)
    assert back.shape == sound.shape
    assert back.dtype == np.float32
    inner = slice(window // 2, -(window // 2))
    np.testing.assert_allclose(back[:, inner], sound[:, inner], atol=2e-6)


@given(shape=SHAPES, skipped=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_a_tile_has_the_frames_of_the_whole_song(shape: tuple[int, int], skipped: int) -> None:
    window, hop = shape
    sound = noise(2, 32 * hop)
    whole = analysis(sound, window, hop)
    tile = analysis(sound[:, skipped * hop :], window, hop)
    edge = window // hop // 2
    scale = np.abs(whole).max()
    np.testing.assert_allclose(tile[:, edge:] / scale, whole[:, skipped + edge :] / scale, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_powers_are_those_of_all_the_bins_in_a_band(channels: int) -> None:
    bands = ((1, 8), (4, 2), (16, 1))
    spectrum = analysis(noise(channels, 64 * 21), 64, 16)
    edges = np.cumsum([0, *(width for width, count in bands for _ in range(count))])
    for view in views(channels):
        seen = np.tensordot(view, spectrum.astype(np.complex128), 1)
        expected = [np.sum(np.abs(seen[:, a:b]) ** 2, axis=1) for a, b in pairwise(edges)]
        np.testing.assert_allclose(band_powers(spectrum, view, bands), np.stack(expected, axis=1), rtol=1e-5)


def test_synthesis_takes_stems_in_front() -> None:
    spectra = np.stack([analysis(noise(2, 8192, seed), 2048, 512) for seed in range(3)])
    together = synthesis(spectra, 2048, 512)
    assert together.shape == (3, 2, 8192)
    for stem in range(3):
        np.testing.assert_allclose(together[stem], synthesis(spectra[stem], 2048, 512), atol=1e-6)


@pytest.mark.parametrize(("window", "hop", "samples"), [(4096, 1024, 1000), (4096, 1000, 4000), (4096, 4096, 8192)])
def test_shapes_that_cannot_reconstruct_are_refused(window: int, hop: int, samples: int) -> None:
    with pytest.raises(ValueError, match="hop"):
        analysis(noise(1, samples), window, hop)
