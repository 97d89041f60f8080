"""Analyses speech with the WORLD vocoder: frames of pitch, envelope and breath, cut into syllables.

WORLD: Morise, Yokomori, Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system", 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.singing.world import vocoder

RATE = 44100
FRAME_SECONDS = 0.005
FLOOR_HZ, CEILING_HZ = 71.0, 800.0


@dataclass(frozen=True)
class Syllable:
    """Frame numbers of one syllable: its start, the steady vowel `[vowel_start, vowel_end)` and its end."""

    start: int
    vowel_start: int
    vowel_end: int
    end: int


@dataclass(frozen=True)
class Speech:
    """An analysed voice: `pitch` (frames,) in Hz, 0 unvoiced; `envelope`, `breath` (frames, bins); syllables."""

    pitch: NDArray[np.float64]
    envelope: NDArray[np.float64]
    breath: NDArray[np.float64]
    syllables: list[Syllable]

    @property
    def median_pitch(self) -> float:
        """The middle of the voiced pitch, in Hz."""
        voiced = self.pitch[self.pitch > 0]
        return float(np.median(voiced)) if len(voiced) else 180.0


def analyse(audio: NDArray[np.float32], band_limit: float | None = None) -> Speech:
    """Analyse mono `audio` (samples,) at 44.1 kHz; above `band_limit` Hz a breathy continuation is made up.

    A network that hears only voices cut off at 12 kHz would learn that nothing above is ever a voice.
    """
    pyworld = vocoder()
    signal = np.ascontiguousarray(audio, dtype=np.float64)
    coarse, times = pyworld.dio(
        signal, RATE, f0_floor=FLOOR_HZ, f0_ceil=CEILING_HZ, frame_period=FRAME_SECONDS * 1000, speed=4
    )
    pitch = pyworld.stonemask(signal, coarse, times, RATE)
    envelope = pyworld.cheaptrick(signal, pitch, times, RATE)
    # The breath changes slowly, and is half of the work: every second frame is enough.
    half = pyworld.d4c(signal, np.ascontiguousarray(pitch[::2]), np.ascontiguousarray(times[::2]), RATE)
    frame = np.arange(len(pitch))
    breath = (half[frame // 2] + half[np.minimum((frame + 1) // 2, len(half) - 1)]) / 2
    if band_limit:
        _extend(envelope, breath, band_limit)
    return Speech(pitch, envelope, breath, _cut(pitch, envelope))


def _extend(envelope: NDArray[np.float64], breath: NDArray[np.float64], limit: float) -> None:
    """Continue the envelope above `limit` Hz from the octave part below it, falling 4 dB per kHz, all breath."""
    bin_hz = RATE / 2 / (envelope.shape[1] - 1)
    edge = int((limit - 700) / bin_hz)
    level = np.exp(np.log(envelope[:, edge - int(1500 / bin_hz) : edge] + 1e-16).mean(axis=1, keepdims=True))
    above = np.arange(envelope.shape[1] - edge) * bin_hz / 1000
    envelope[:, edge:] = level * 10 ** (-0.4 * above)
    breath[:, edge:] = np.maximum(breath[:, edge:], 0.95)


def _cut(pitch: NDArray[np.float64], envelope: NDArray[np.float64]) -> list[Syllable]:
    """Syllables: a loud voiced nucleus each, bounded by the valleys of the mid-band level."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    bin_hz = RATE / 2 / (envelope.shape[1] - 1)
    band = envelope[:, int(250 / bin_hz) : int(3500 / bin_hz)].mean(axis=1)
    level = gaussian_filter1d(10 * np.log10(band + 1e-12), 3)
    top = np.percentile(level, 95)
    peaks, _ = find_peaks(level, prominence=2.5, distance=int(0.1 / FRAME_SECONDS), height=top - 25)
    peaks = [int(p) for p in peaks if pitch[p] > 0]
    syllables = []
    for i, peak in enumerate(peaks):
        lowest = peaks[i - 1] if i else max(0, peak - 60)
        highest = peaks[i + 1] if i + 1 < len(peaks) else min(len(level) - 1, peak + 60)
        start = lowest + int(np.argmin(level[lowest : peak + 1]))
        end = peak + int(np.argmin(level[peak : highest + 1]))
        start, end = max(start, peak - 50), min(end, peak + 60)
        steady = (level > level[peak] - 5) & (pitch > 0)
        first, last = peak, peak
        while first > start and steady[first - 1]:
            first -= 1
        while last < end and steady[last]:
            last += 1
        if last - first >= 8:
            # The edges of the vowel keep their own speed: they carry the consonants.
            margin = (last - first) // 5
            syllables.append(Syllable(start, first + margin, last - margin, end))
    return syllables
