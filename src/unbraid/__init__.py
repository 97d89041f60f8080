"""unbraid takes a song apart into vocals, drums, bass, piano and other.

>>> import unbraid
>>> stems = unbraid.separate("song.mp3")  # doctest: +SKIP
>>> separator = unbraid.Separator()  # load once, use often  # doctest: +SKIP
>>> separator.separate_file("song.mp3", "stems/", format="flac")  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from unbraid.errors import CorpusError, InputError, ModelError, OutputError, TrainingError, UnbraidError, UsageError

if TYPE_CHECKING:
    from unbraid.inference.stream import StemStream
    from unbraid.separator import Progress, SeparatedSong, SeparationOptions, Separator, separate

__all__ = [
    "CorpusError",
    "InputError",
    "ModelError",
    "OutputError",
    "Progress",
    "SeparatedSong",
    "SeparationOptions",
    "Separator",
    "StemStream",
    "TrainingError",
    "UnbraidError",
    "UsageError",
    "__version__",
    "separate",
]

# Importing unbraid loads no codec and no runtime: those load on first use.
_HOMES = {
    "Progress": "unbraid.separator",
    "SeparatedSong": "unbraid.separator",
    "SeparationOptions": "unbraid.separator",
    "Separator": "unbraid.separator",
    "StemStream": "unbraid.inference.stream",
    "separate": "unbraid.separator",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("unbraid")
    if name == "analysis":
        return import_module("unbraid.analysis")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'unbraid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "analysis"]
