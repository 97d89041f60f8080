"""The waveform and spectrogram of a stem, gathered block by block."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio.types import Audio

Levels = NDArray[np.uint8]

BANDS = 96
LOWEST, HIGHEST = 40.0, 16_000.0  # Hz, of the spectrogram
RANGE = 90.0
"""dB from 0 to 255 in the spectrogram; 255 is a tone at full scale."""
WINDOW = 4096


class Overview:
    """Gathers the overview of one stem while its blocks come.

    Args:
        sample_rate: Hz.
        steps_per_second: How often the waveform is measured.
        steps_per_column: How many of these steps a column of the spectrogram stands for; it shows their start.
    """

    def __init__(self, sample_rate: int, *, steps_per_second: int, steps_per_column: int) -> None:
        self._step = max(1, sample_rate // steps_per_second)
        self._column = self._step * steps_per_column
        self.bands = np.geomspace(LOWEST, min(HIGHEST, sample_rate / 2.1), BANDS + 1)
        """The edges of the spectrogram's bands in Hz, `(BANDS + 1,)`."""
        self._first_bins = np.floor(self.bands[:-1] * WINDOW / sample_rate).astype(int)
        self._window = np.hanning(WINDOW).astype(np.float32)
        self._waiting: Audio | None = None
        self._peaks: list[Audio] = []
        self._loudness: list[Audio] = []
        self._levels: list[Levels] = []

    def add(self, samples: Audio) -> None:
        """Measure the next block `(channels, any n)`."""
        if self._waiting is not None:
            samples = np.concatenate([self._waiting, samples], axis=1)
        seen_ahead = max(0, WINDOW - self._column)  # the last column's window reaches that far beyond it
        ready = max(0, samples.shape[1] - seen_ahead) // self._column * self._column
        if ready:
            self._measure(samples, ready)
        self._waiting = samples[:, ready:].copy()

    def finish(self) -> None:
        """Measure the remaining samples; call it after the last block."""
        if self._waiting is not None and self._waiting.shape[1]:
            self._measure(self._waiting, self._waiting.shape[1])
        self._waiting = None

    @property
    def peaks(self) -> Audio:
        """The largest absolute sample of each step, `(steps,)`."""
        return np.concatenate(self._peaks or [np.zeros(0, np.float32)])

    @property
    def loudness(self) -> Audio:
        """The root mean square of each step over all channels, `(steps,)`."""
        return np.concatenate(self._loudness or [np.zeros(0, np.float32)])

    @property
    def levels(self) -> Levels:
        """The spectrogram of all channels together, `(columns, BANDS)`; see `RANGE`."""
        return np.concatenate(self._levels or [np.zeros((0, BANDS), np.uint8)])

    def _measure(self, samples: Audio, length: int) -> None:
        """Measure the first `length` samples; those behind them are only looked at by the spectrogram's windows."""
        measured = samples[:, :length]
        loudest, power = np.abs(measured).max(axis=0), np.square(measured).mean(axis=0)
        padding = (0, -loudest.size % self._step)
        self._peaks.append(np.pad(loudest, padding).reshape(-1, self._step).max(axis=1))
        self._loudness.append(np.sqrt(np.pad(power, padding).reshape(-1, self._step).mean(axis=1)))
        self._levels.append(self._spectrum(samples.mean(axis=0), length))

    def _spectrum(self, mono: Audio, length: int) -> Levels:
        starts = np.arange(0, length, self._column)
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, (0, WINDOW)), WINDOW)[starts] * self._window
        magnitude = np.abs(np.fft.rfft(frames, axis=1)) * (2 / self._window.sum())
        bands = np.maximum.reduceat(magnitude, self._first_bins, axis=1)
        decibel = 20 * np.log10(np.maximum(bands, 1e-6))
        return np.clip((decibel + RANGE) * (255 / RANGE), 0, 255).astype(np.uint8)


def shorten(values: NDArray[Any], most: int) -> NDArray[Any]:
    """Return at most `most` of the `values` `(n, …)`: each the largest of as many neighbours as that takes.

    >>> shorten(np.array([1, 5, 2, 3, 4]), most=3)
    array([5, 3, 4])
    """
    factor = -(-len(values) // most)
    if factor <= 1:
        return values
    return np.maximum.reduceat(values, np.arange(0, len(values), factor), axis=0)
