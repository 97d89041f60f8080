"""Data sets that others made: one module each, whose `songs(root)` reads them as songs of the five sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong
from unbraid.errors import CorpusError

DATASETS = ("folders", "frets_on_fire", "moisesdb", "musdb18", "musdb18_hq", "slakh2100")


def songs(dataset: str, root: Path) -> Iterator[DatasetSong]:
    """The songs of a data set that lies at `root`; raises CorpusError if it is unknown or not there."""
    if dataset not in DATASETS:
        raise CorpusError(f"{dataset} is no data set that can be read here; there are {', '.join(DATASETS)}.")
    if not root.is_dir():
        raise CorpusError(f"There is no folder {root} to read {dataset} from.")
    read: Callable[[Path], Iterator[DatasetSong]] = import_module(f"unbraid.corpus.adapters.{dataset}").songs
    none = True
    for song in read(root):
        none = False
        yield song
    if none:
        raise CorpusError(f"{root} does not look like {dataset}: no song was found in it.")
