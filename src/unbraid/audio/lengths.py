"""The length that a file declares, and how far it can be relied on."""

from typing import IO, Any

import av

from unbraid.audio.chunks import MP4
from unbraid.audio.mpeg import CLOCKLESS, InfoFrame
from unbraid.audio.truncation import length_is_unknown

# Containers that declare the length of the sound, exact to the sample, and those that declare roughly that of all their
# streams. For the others, FFmpeg guesses it from the size.
STATE_LENGTH = {"aiff", "au", "avi", "caf", "flac", MP4, "tak", "tta", "w64", "wav", "wv"}
STATE_ROUGHLY = {"ape", "asf", "ast", "flv", "matroska,webm", "mpc", "mpc8", "mxf", "nut", "ogg", "rm"}


def declared_seconds(container: Any, stream: Any, file: IO[bytes]) -> float | None:
    """Return the length of the sound that the file declares, if any."""
    if length_is_unknown(container.format.name, file):
        return None
    if container.format.name == "avi" and stream.frames:  # FFmpeg has its duration from the size
        return float(stream.frames * stream.time_base)
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration is None:
        return None
    # Matroska counts from 0, not from where its sound starts.
    return max((container.duration - (container.start_time or 0)) / av.time_base, 0.0) or None


def states_length(container: Any, stream: Any, info: InfoFrame) -> bool:
    """Return whether the declared length is that of the sound, not an estimate; `info` is an MP3's first frame."""
    name: str = container.format.name
    if name == "mp3":
        return info.found and not info.continues
    if name in CLOCKLESS:
        return False
    if name in STATE_LENGTH:
        return stream.duration is not None
    return name in STATE_ROUGHLY and len(container.streams) == 1  # otherwise it may be that of the longest stream


def disagrees(container: str, declared: float, found: float) -> bool:
    """Return whether the length found contradicts the one that a container of this format declared."""
    exact = container in STATE_LENGTH
    if exact or container in CLOCKLESS:
        tolerance = 0.015
    elif container == "matroska,webm":  # wrong by a frame or two, however long the sound is
        tolerance = 0.1
    else:
        tolerance = max(0.1, 0.005 * declared)
    return found < declared - tolerance or (exact and found > declared + tolerance)
