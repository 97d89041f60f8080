"""The measures of source separation. All take reference and estimate `(channels, samples)` and give decibels."""

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

SILENT = 1e-6
"""A stem is silent if its energy is less than this share of the mixture's (60 dB below)."""
LIMIT = 100.0
"""Largest SI-SDR, in dB, and minus the smallest."""
TINY = 1e-9
"""An energy that keeps silence finite."""


def sdr(reference: Audio, estimate: Audio) -> float:
    """SDR over the whole clip, as in the Music Demixing Challenge (Mitsufuji et al. 2021, eq. 1)."""
    return _ratio(reference, reference - estimate)


def si_sdr(reference: Audio, estimate: Audio) -> float:
    """Scale-invariant SDR (Le Roux et al. 2019, eq. 2): the reference is scaled to fit the estimate best.

    It lies in ±`LIMIT`: a scaled copy has the upper one, an estimate without any of the reference (silence) the lower.
    """
    r, e = reference.astype(np.float64).ravel(), estimate.astype(np.float64).ravel()
    energy = np.dot(e, e)
    target = np.dot(r, e) ** 2 / max(np.dot(r, r), TINY)
    return float(np.clip(10 * np.log10((target + TINY) / max(energy - target, 1e-12 * energy, TINY)), -LIMIT, LIMIT))


def is_silent(reference: Audio, mixture: Audio) -> bool:
    """Return whether a stem hardly sounds in the mixture, so that its SDR says nothing."""
    return bool(_energy(reference) < SILENT * _energy(mixture) or _energy(reference) == 0)


def _ratio(signal: Audio, error: Audio) -> float:
    # the small constant keeps a perfect estimate finite
    return float(10 * np.log10((_energy(signal) + TINY) / (_energy(error) + TINY)))


def _energy(audio: Audio) -> float:
    return float(np.square(audio, dtype=np.float64).sum())
