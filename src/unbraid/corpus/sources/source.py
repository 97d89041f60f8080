"""A source of training sounds as its record says it: where it comes from, whom to thank, what is learnt from it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.origins import DebianPackage, Generated, Origin, Repository


@dataclass(frozen=True)
class Recording:
    """Files of a source that are one stem.

    Attributes:
        stem: the stem that they are, or several with a + between.
        files: their paths in the origin; a pattern means all that fit, by name.
        name: what they are called together; without one, each file is a recording of its own.
        split: train or valid, if it is not the source's.
        leave_out: patterns of file names that are not meant.
    """

    stem: str
    files: tuple[str, ...]
    name: str = ""
    split: str = ""
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One record.

    Attributes:
        name: the folder and the name of the record, as in `voices/kathleen`.
        licence: its SPDX identifier.
        thanks: the credit line.
        origin: where it can be fetched.
        split: train or valid; `held_out` names files of a training source that are not trained on.
        about: what it is, in a few words.
        folder: for packages, where below `/usr/share` its files lie.
        files: patterns of its files below `folder`.
        leave_out: pieces that are not used, because somebody sings in them or it cannot be ruled out.
        recordings: which of its files is which stem.
        rests: whether its recordings are tracks of songs, a folder each, silent where others play.
        prepare: what is done with the files once they are fetched, see `unbraid.corpus.sources.prepare`.
        tool: whether nothing of it is heard; a tool's licence does not reach what is made with it.
        heard: whether the shipped weights learnt from it; the model card credits nothing else.
        pieces: how many there are, where this was counted.
        minutes: how long they are, where this was measured.
    """

    name: str
    licence: str
    thanks: str
    origin: tuple[Origin, ...]
    split: str = "train"
    about: str = ""
    folder: str = ""
    files: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    recordings: tuple[Recording, ...] = ()
    rests: bool = False
    prepare: str = ""
    tool: bool = False
    heard: bool = True
    pieces: int = 0
    minutes: float = 0.0

    @property
    def kind(self) -> str:
        """The kind of material: the folder of its record."""
        return self.name.partition("/")[0]

    @property
    def title(self) -> str:
        """The name without its kind."""
        return self.name.partition("/")[2]

    @property
    def can_be_fetched(self) -> bool:
        """Whether somebody else can bring it onto their machine."""
        return not any(isinstance(origin, Generated) for origin in self.origin)

    def place(self, material: MaterialFolders) -> Path:
        """The folder in which its files lie."""
        for origin in self.origin:
            if isinstance(origin, DebianPackage):
                for share in material.shares(origin.debian):
                    if any(next((share / self.folder).glob(pattern), None) for pattern in self.files):
                        return share / self.folder
        return material.find(self.name)

    def found(self, material: MaterialFolders) -> list[Path]:
        """The files that lie on this machine, by name."""
        place = self.place(material)
        return sorted({path for pattern in self.files for path in place.glob(pattern) if path.is_file()})

    def is_held_out(self, path: Path) -> bool:
        """Whether a file belongs to the validation split."""
        return self.split == "valid" or any(path.match(pattern) for pattern in self.held_out)

    def wanted(self, recording: Recording, material: MaterialFolders) -> list[Path]:
        """Where the files of a recording lie, or would lie; nothing of a pattern before it is fetched."""
        place, flat = self.place(material), any(isinstance(o, Repository) and o.flat for o in self.origin)
        paths: list[Path] = []
        for file in recording.files:
            path = place / (Path(file).name if flat else file)
            paths += sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
        return [path for path in paths if not any(fnmatch(path.name, pattern) for pattern in recording.leave_out)]
