"""Songs of the game Frets on Fire: `<song>/guitar.ogg` is a lead guitar alone; the rest, one mixture, is a backing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.catalogue import HELD_OUT_GUITARS


def songs(root: Path) -> Iterator[DatasetSong]:
    """The guitar of each song, as other."""
    for guitar in sorted(root.rglob("guitar.ogg")):
        name = guitar.parent.name
        yield DatasetSong(name, "valid" if name in HELD_OUT_GUITARS else "train", {"other": sum_of([guitar])})
