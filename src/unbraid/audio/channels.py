"""Channels of a song, and how more than two are folded to stereo without losing any."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio.types import Audio

# What channels without a name mean, by their number, as WAV and FLAC have it.
USUAL = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
HALF_POWER = 2**-0.5
SCALES = {"i1": 2.0**-7, "u1": 2.0**-7, "i2": 2.0**-15, "u2": 2.0**-15, "i4": 2.0**-31, "u4": 2.0**-31}


def samples_of(frame: Any) -> Audio:
    """Return the samples of one of PyAV's frames, `(channels, n)` at full scale ±1."""
    planes: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        planes = planes.reshape(-1, frame.layout.nb_channels).T
    return scaled(planes)


def scaled(samples: NDArray[Any]) -> Audio:
    """Return samples of any type as float32 at full scale ±1: integers are divided by what their type can hold."""
    if samples.dtype == np.float32 and samples.flags.c_contiguous:
        return samples
    floats = np.empty(samples.shape, np.float32)
    scale = SCALES.get(samples.dtype.str[1:])
    if scale is None:
        with np.errstate(over="ignore"):
            floats[:] = samples
        return floats
    np.multiply(samples, np.float32(scale), out=floats, casting="unsafe")
    if samples.dtype.kind == "u":  # silence is in the middle
        floats -= 1.0
    return floats


def folded(samples: Audio, layout: Any, channels: int) -> Audio:
    """Return samples `(any, n)` of PyAV's `layout` as mono or stereo: `(channels, n)`."""
    if len(samples) > 2:
        samples = _stereo_matrix(tuple(channel.name for channel in layout.channels)) @ samples
    if len(samples) == channels:
        return samples
    return np.repeat(samples, 2, axis=0) if channels == 2 else samples.mean(axis=0, keepdims=True)


def folding_note(layout: Any) -> str:
    """Return a sentence that says how the channels of this layout become stereo."""
    names = tuple(channel.name for channel in layout.channels)
    if _places(names) is None:
        return (
            f"{len(names)} channels that do not say where they belong were mixed down to stereo: the first, third … to "
            "the left, the second, fourth … to the right"
        )
    named = f" ({layout.name})" if "channels" not in layout.name else ""
    return f"{len(names)} channels{named} were mixed down to stereo"


def _places(names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the positions of the channels, or None if they are unknown."""
    if "NONE" not in names and not any(name.startswith(("AMBI", "USR", "UNK", "UNSD")) for name in names):
        return names
    return USUAL.get(len(names))


@lru_cache(maxsize=16)
def _stereo_matrix(names: tuple[str, ...]) -> Audio:
    """Return `(2, channels)`: the front unchanged, the rest at half power, scaled so that no sum exceeds full scale."""
    places = _places(names)
    if places is None:
        places = tuple("FR" if number % 2 else "FL" for number in range(len(names)))
    matrix = np.zeros((2, len(places)), np.float32)
    for number, place in enumerate(places):
        gain = 1.0 if place in ("FL", "FR") else HALF_POWER
        if not place.startswith("LFE") and place.rstrip("C")[-1:] in ("L", "R"):
            matrix[int(place.rstrip("C")[-1] == "R"), number] = gain
        else:
            matrix[:, number] = HALF_POWER
    return matrix / np.float32(matrix.sum(axis=1).max())
