"""Features for the analysis, computed block by block: onsets 100 times a second, pitch classes 5 times a second."""

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]

ENOUGH = 22_050  # Hz: songs at higher rates are thinned out to about as many samples
ONSET_RATE = 100  # frames a second
ONSET_SECONDS = 0.046  # length of a frame
RISE = 2  # frames over which a rise is measured
REGIONS = ((30.0, 150.0, 3), (150.0, 2500.0, 16), (2500.0, 11_000.0, 12))  # Hz, bands: kick, snare, cymbals
COMPRESSION = 1000.0  # how far soft onsets count among loud ones

CHROMA_SECONDS = 0.37  # length of a frame
CHROMA_RANGE = (50.0, 2000.0)  # Hz
MIN_TONE = 1e-4  # of full scale
PROMINENT = 4.0  # times as strong as the bins around are on average: tones are, peaks of noise are not
AROUND = 8  # bins on each side
MIDDLE_C = 261.626  # Hz
STEPS = 36  # in an octave: three for each semitone, so that an instrument's tuning shows


class Feature(ABC):
    """A measurement for each frame of a signal that arrives in blocks.

    Frames are about `seconds` long, each under a Hann window. The first is centred on the first sample; the next follow
    at `rate` a second.
    """

    def __init__(self, sample_rate: int, seconds: float, rate: float) -> None:
        self._thinned = max(1, sample_rate // ENOUGH)
        heard = sample_rate / self._thinned
        self._length = 2 ** round(math.log2(seconds * heard))  # of all lengths, the fastest to transform
        self._hop = max(1, round(heard / rate))
        self.rate = heard / self._hop
        """Frames a second."""
        self._bin = heard / self._length  # Hz between the bins of a spectrum
        window = np.hanning(self._length)
        # A tone at full scale has a level of 1. NumPy transforms in float32 only if it divides by the length.
        self._window = (window * (2 * self._length / window.sum())).astype(np.float32)
        self._waiting: Signal = np.zeros(self._length // 2, np.float32)
        self._rest: Signal = np.zeros(0, np.float32)
        self._found: list[Signal] = []

    def add(self, mono: Signal) -> None:
        """Take the next block `(samples,)`."""
        self._found.append(self._measured(self._spectra(mono)))

    def finish(self) -> Signal:
        """Return the measurements of all frames, `(frames, …)`; call it after the last block."""
        self.add(np.zeros(self._length // 2 * self._thinned, np.float32))  # the last frames reach into silence
        return np.concatenate(self._found)

    @abstractmethod
    def _measured(self, spectra: Signal) -> Signal:
        """Return the measurements of the next frames, from their magnitudes `(frames, bins)`."""

    def _spectra(self, mono: Signal) -> Signal:
        """Return the magnitudes `(frames, bins)` of the frames that the next block `(samples,)` completes."""
        mono = np.concatenate([self._rest, mono])
        whole = mono.size // self._thinned * self._thinned
        self._rest = mono[whole:]
        heard = sum(mono[first : whole : self._thinned] for first in range(self._thinned)) / np.float32(self._thinned)
        self._waiting = np.concatenate([self._waiting, np.asarray(heard, np.float32)])
        count = max(0, (self._waiting.size - self._length) // self._hop + 1)
        if not count:
            return np.zeros((0, self._length // 2 + 1), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._waiting, self._length)[: count * self._hop : self._hop]
        self._waiting = self._waiting[count * self._hop :]
        return np.abs(np.fft.rfft(frames * self._window, axis=1, norm="forward"))


class Onsets(Feature):
    """Onset strength in each frame, low, middle and high, `(frames, 3)`: spectral flux (Bello et al. 2005)."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate, ONSET_SECONDS, ONSET_RATE)
        edges = np.concatenate([np.geomspace(low, high, count, endpoint=False) for low, high, count in REGIONS])
        self._bins = np.rint(edges / self._bin).astype(int)
        self._regions = np.cumsum([0] + [count for _, _, count in REGIONS[:-1]])
        self._before = np.zeros((RISE, len(edges)), np.float32)

    def _measured(self, spectra: Signal) -> Signal:
        bands = np.add.reduceat(spectra, np.minimum(self._bins, spectra.shape[1] - 1), axis=1)
        levels = np.concatenate([self._before, np.log1p(COMPRESSION * bands)])
        rises = np.maximum(levels[RISE:] - levels[:-RISE], 0)
        self._before = levels[-RISE:]
        return np.asarray(np.add.reduceat(rises, self._regions, axis=1))


class Chroma(Feature):
    """How strongly each step of the octave sounds, `(frames, STEPS)` from C up: peaks of the spectrum (Gómez 2006)."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate, CHROMA_SECONDS, 2 / CHROMA_SECONDS)
        self._first, self._last = (int(hertz / self._bin) for hertz in CHROMA_RANGE)

    def _measured(self, spectra: Signal) -> Signal:
        heard = spectra[:, self._first : self._last]
        middle = heard[:, 1:-1]
        sums = np.cumsum(np.pad(heard, ((0, 0), (AROUND + 1, AROUND))), axis=1)
        around = (sums[:, 2 * AROUND + 1 :] - sums[:, : -2 * AROUND - 1])[:, 1:-1] / (2 * AROUND + 1)
        is_tone = (middle > MIN_TONE) & (middle > PROMINENT * around)
        rows, columns = np.nonzero((middle > heard[:, :-2]) & (middle >= heard[:, 2:]) & is_tone)
        before, peak, after = (np.log(heard[rows, columns + shift] + 1e-12) for shift in range(3))
        # The parabola through a peak and its neighbours has its top where the tone is.
        place = self._first + columns + 1 + 0.5 * (before - after) / (before - 2 * peak + after)
        steps = np.rint(STEPS * np.log2(place * self._bin / MIDDLE_C)).astype(int) % STEPS
        strength = np.bincount(rows * STEPS + steps, np.exp(peak / 2), len(heard) * STEPS)
        return strength.reshape(-1, STEPS).astype(np.float32)
