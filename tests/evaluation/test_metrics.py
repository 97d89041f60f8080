import numpy as np
import pytest

from tests.conftest import noise
from unbraid.evaluation.metrics import is_silent, sdr, si_sdr


def test_sdr_is_the_ratio_of_the_energies() -> None:
    reference = noise(2, 10_000)
    assert sdr(reference, 0.9 * reference) == pytest.approx(20, abs=1e-3)
    assert sdr(reference, np.zeros_like(reference)) == pytest.approx(0, abs=1e-3)


def test_si_sdr_does_not_see_a_gain_and_sees_noise() -> None:
    reference, error = noise(2, 50_000, 0), noise(2, 50_000, 1)
    assert si_sdr(reference, np.float32(0.3) * reference) > 60
    assert si_sdr(reference, np.float32(0.3) * (reference + np.float32(0.1) * error)) == pytest.approx(20, abs=0.2)


def test_silence_is_finite_and_told() -> None:
    silence, mixture = np.zeros((2, 1_000), np.float32), noise(2, 1_000)
    assert np.isfinite([sdr(silence, mixture), si_sdr(silence, mixture), sdr(mixture, silence)]).all()
    assert is_silent(silence, mixture)
    assert is_silent(1e-4 * mixture, mixture)
    assert is_silent(silence, silence)
    assert not is_silent(0.01 * mixture, mixture)
