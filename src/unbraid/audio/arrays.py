"""Samples in memory as a song."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio.channels import SCALES, scaled
from unbraid.audio.types import RATES, Audio, silence_odd_samples
from unbraid.errors import InputError


class ArraySong:
    """Samples `(channels, n)` in memory at `sample_rate` Hz as a song.

    Accepts whatever NumPy can turn into an array: floats with full scale ±1, or integers of 8, 16 or 32 bits, which
    are divided by their type's full scale. A one-dimensional array is mono.

    Raises InputError for other types, for more than two channels, and for a sample rate that is out of range.
    """

    name = "the array"
    BLOCK = 1 << 16

    def __init__(self, samples: Any, sample_rate: float) -> None:
        self._samples = _rows(samples)
        self.sample_rate, self.channels = checked_rate(sample_rate), self._samples.shape[0]
        self.tags: dict[str, str] = {}
        self.cover: bytes | None = None
        self.notes: list[str] = []

    @property
    def duration(self) -> float:
        """The length in seconds."""
        samples: int = self._samples.shape[1]
        return samples / self.sample_rate

    def __iter__(self) -> Iterator[Audio]:
        for start in range(0, self._samples.shape[1], self.BLOCK):
            block = scaled(self._samples[:, start : start + self.BLOCK])
            if np.may_share_memory(block, self._samples):
                block = block.copy()
            silence_odd_samples(block)
            yield block

    def close(self) -> None:
        """Do nothing: memory needs no closing."""


def _rows(samples: Any) -> NDArray[Any]:
    wanted = "A mixture is an array (1 or 2 channels, samples) of floats, or of integers of 8, 16 or 32 bits"
    try:
        array = np.asarray(samples)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{wanted}, not this {type(samples).__name__}: {str(error).rstrip('.').lower()}.") from error
    if array.dtype.kind != "f" and (array.dtype.kind not in "iu" or array.dtype.str[1:] not in SCALES):
        raise InputError(f"{wanted}, not {_described(samples, array)}.")
    if array.ndim == 1 and len(array):
        array = array[np.newaxis]
    if array.ndim != 2 or array.shape[0] not in (1, 2):
        turned = array.ndim == 2 and array.shape[1] in (1, 2) and array.shape[0] > 2
        hint = ": it seems to be (samples, channels), so pass its transpose" if turned else ""
        raise InputError(f"{wanted}, not {_described(samples, array)}{hint}.")
    return array


def _described(samples: Any, array: NDArray[Any]) -> str:
    kind = type(samples).__name__ if not isinstance(samples, np.ndarray) else "array"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} of the shape {array.shape} and the type {array.dtype}"


def checked_rate(rate: float) -> int:
    """Return a sample rate in Hz as a whole number; raises InputError if it is not one, or out of range."""
    try:
        whole = int(rate)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"A sample rate is a number of Hz, not {rate!r}.") from None
    if whole != rate or whole not in RATES:
        raise InputError(
            f"A sample rate of {rate} Hz is out of range: it is a whole number from {RATES[0]} to {RATES[-1]}."
        )
    return whole
