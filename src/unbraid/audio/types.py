"""The types for sound: an array, and what can be opened as a song."""

import os
from typing import IO

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""Samples `(channels, n)`, full scale at ±1."""

Source = str | os.PathLike[str] | IO[bytes]
"""A path, or an open binary file; one that cannot seek (a pipe) is first copied to a temporary file."""

RATES = range(1_000, 768_001)  # Hz; beyond these a header is wrong, not a song unusual
LOUDEST = 1e12  # full scale is 1, or 2³¹ in careless float files; what is far beyond would overflow in a power spectrum


def silence_odd_samples(block: Audio) -> int:
    """Set samples that are not finite, or impossibly loud, to zero; return how many."""
    peak = max(-float(block.min(initial=0.0)), float(block.max(initial=0.0)))
    if peak <= LOUDEST:  # false if one of them is not a number
        return 0
    odd = ~(np.abs(block) <= LOUDEST)
    block[odd] = 0.0
    return int(odd.sum())
