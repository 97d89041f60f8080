"""Reads and writes sound files block by block: all that FFmpeg reads, through PyAV, without a system FFmpeg."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unbraid.audio.arrays import ArraySong
    from unbraid.audio.decoding import Song, SongReader, read
    from unbraid.audio.encoding import StemWriter
    from unbraid.audio.resampling import resampled
    from unbraid.audio.stretching import stretched
    from unbraid.audio.types import Audio, Source

__all__ = ["ArraySong", "Audio", "Song", "SongReader", "Source", "StemWriter", "read", "resampled", "stretched"]

# The command line needs the table of formats without the codecs: those load with the first use.
_HOMES = {
    "ArraySong": "unbraid.audio.arrays",
    "Audio": "unbraid.audio.types",
    "Song": "unbraid.audio.decoding",
    "SongReader": "unbraid.audio.decoding",
    "Source": "unbraid.audio.types",
    "StemWriter": "unbraid.audio.encoding",
    "read": "unbraid.audio.decoding",
    "resampled": "unbraid.audio.resampling",
    "stretched": "unbraid.audio.stretching",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'unbraid.audio' has no attribute {name!r}")
