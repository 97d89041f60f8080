import numpy as np
import pytest

from tests.conftest import noise
from unbraid.evaluation.metrics import LIMIT, framewise_sdr, is_silent, median, sdr, si_sdr


def test_sdr_is_the_ratio_of_the_energies() -> None:
    reference = noise(2, 10_000)
    assert sdr(reference, 0.9 * reference) == pytest.approx(20, abs=1e-3)
    assert sdr(reference, np.zeros_like(reference)) == pytest.approx(0, abs=1e-3)


def test_si_sdr_does_not_see_a_gain_and_sees_noise() -> None:
    reference, error = noise(2, 50_000, 0), noise(2, 50_000, 1)
    assert si_sdr(reference, np.float32(0.3) * reference) == LIMIT
    assert si_sdr(reference, np.zeros_like(reference)) == -LIMIT
    assert si_sdr(reference, np.float32(0.3) * (reference + np.float32(0.1) * error)) == pytest.approx(20, abs=0.2)


def test_silence_is_finite_and_told() -> None:
    silence, mixture = np.zeros((2, 1_000), np.float32), noise(2, 1_000)
    assert np.isfinite([sdr(silence, mixture), si_sdr(silence, mixture), sdr(mixture, silence)]).all()
    assert is_silent(silence, mixture)
    assert is_silent(1e-4 * mixture, mixture)
    assert is_silent(silence, silence)
    assert not is_silent(0.01 * mixture, mixture)


def test_a_level_of_its_own_in_every_second_shows_in_the_frames() -> None:
    reference = np.stack([noise(2, 40_000, seed) for seed in (0, 1)])
    error = np.repeat([0.1, 0.01, 0.1, 0.001], 10_000).astype(np.float32)
    found = framewise_sdr(reference, reference * (1 - error), 10_000)
    assert np.allclose(found, [[20, 40, 20, 60]] * 2, atol=0.01)


def test_a_frame_in_which_a_source_is_silent_is_not_scored_for_it() -> None:
    reference = np.stack([noise(2, 35_000, seed) for seed in (0, 1)])
    reference[1, :, :10_000] = 0.0
    found = framewise_sdr(reference, 0.9 * reference + 1e-3, 10_000)
    assert found.shape == (2, 3)  # what is left after the last full frame does not count
    assert np.isnan(found).tolist() == [[False] * 3, [True, False, False]]


def test_the_median_leaves_out_what_is_not_known() -> None:
    assert median([1.0, float("nan"), 5.0, 3.0]) == 3.0
    assert np.isnan(median([float("nan")]))
