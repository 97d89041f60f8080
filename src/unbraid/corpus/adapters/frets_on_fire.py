"""Songs of the game Frets on Fire: `<song>/guitar.ogg` is a lead guitar alone; the rest, one mixture, is a backing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong, sum_of


def songs(root: Path) -> Iterator[DatasetSong]:
    """The guitar of each song, as other."""
    for guitar in sorted(root.rglob("guitar.ogg")):
        yield DatasetSong(guitar.parent.name, "train", {"other": sum_of([guitar])})
