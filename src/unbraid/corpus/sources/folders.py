"""The folders of raw material on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unbraid.errors import CorpusError

SHARE = Path("/usr/share")
OTHER_NAMES = {"solos/": ("repositories/",), "grooves/": ("midi/",), "midi/": ("midi/songs/",)}
"""Former names of folders, which are still searched."""
UNPACKED = "backings"
"""The folder that all Debian packages were formerly unpacked into."""


@dataclass(frozen=True)
class MaterialFolders:
    """The folders that are searched for raw material, in this order; the last is the target of downloads."""

    roots: tuple[Path, ...]

    @property
    def target(self) -> Path:
        """The folder for downloads."""
        return self.roots[-1]

    def find(self, name: str) -> Path:
        """The file or folder of this name, as in `voices/kathleen`; where it would be fetched to if there is none."""
        former = [
            other + name.removeprefix(prefix)
            for prefix, others in OTHER_NAMES.items()
            for other in others
            if name.startswith(prefix)
        ]
        places = (root / called for called in (name, *former) for root in self.roots)
        return next((place for place in places if place.exists()), self.target / name)

    def shares(self, package: str) -> Iterator[Path]:
        """Where the `/usr/share` of a Debian package may lie: installed, or fetched."""
        yield SHARE
        for root in self.roots:
            yield root / "packages" / package
            yield root / UNPACKED


def material_folders(folder: Path | str | None = None) -> MaterialFolders:
    """The folders of raw material: the one given, else those in `$UNBRAID_CORPUS`; then the user's data folder.

    Raises CorpusError if one that was named does not exist.
    """
    named = [str(folder)] if folder else os.environ.get("UNBRAID_CORPUS", "").split(os.pathsep)
    chosen = [Path(name) for name in named if name]
    for path in chosen:
        if not path.is_dir():
            raise CorpusError(f"There is no corpus material at {path}: `unbraid corpus fetch` brings it.")
    return MaterialFolders((*chosen, data_folder()))


def data_folder() -> Path:
    """The folder that `unbraid corpus fetch` fills, in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("unbraid", appauthor=False) / "corpus"
