"""Metrics of source separation, in decibels, for references and estimates `(channels, samples)`."""

import math
from collections.abc import Iterable

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
    ratio = target / max(energy - target, 1e-12 * energy, TINY)
    return float(np.clip(10 * np.log10(max(ratio, TINY**2)), -LIMIT, LIMIT))


def framewise_sdr(references: Audio, estimates: Audio, frame: int) -> NDArray[np.float64]:
    """SDR of BSSEval v4 in frames of `frame` samples: `(sources, channels, samples)` twice to `(sources, frames)`.

    BSSEval's distortion filters only split the error into its kinds; their sum, which is all that the SDR sees, is
    the plain difference (Stöter, Liutkus, Ito 2018, section 3). A frame in which a source's reference or estimate is
    all zeros is NaN, as in museval (which drops it for all other sources too: a song with a rare piano would have
    hardly a frame left). The samples after the last full frame are left out.
    """
    samples = references.shape[-1]
    frame = min(frame, samples)
    ratios = np.full((len(references), samples // frame), np.nan)
    for k in range(samples // frame):
        part = slice(k * frame, (k + 1) * frame)
        for i, (r, e) in enumerate(zip(references[..., part], estimates[..., part], strict=True)):
            if r.any() and e.any():
                ratios[i, k] = sdr(r, e)
    return ratios


def median(values: Iterable[float]) -> float:
    """Return the median without NaNs; NaN if nothing is left."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan


def is_silent(reference: Audio, mixture: Audio) -> bool:
    """Return whether a stem is so faint in the mixture that its SDR is meaningless."""
    return bool(_energy(reference) < SILENT * _energy(mixture) or _energy(reference) == 0)


def _ratio(signal: Audio, error: Audio) -> float:
    # the small constant keeps a perfect estimate finite
    return float(10 * np.log10((_energy(signal) + TINY) / (_energy(error) + TINY)))


def _energy(audio: Audio) -> float:
    return float(np.square(audio, dtype=np.float64).sum())
