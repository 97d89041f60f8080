"""A plain folder of song folders, `vocals|drums|bass|piano|other.<any audio>` in each, with or without splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unbraid.audio.formats import ENDINGS
from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.audio_files import SOURCES


def songs(root: Path) -> Iterator[DatasetSong]:
    """The songs below `root`, by name; those outside of a split's folder are for training."""
    for folder in sorted(path for path in root.rglob("*") if path.is_dir() and not path.name.startswith(".")):
        files = {file.stem: file for file in sorted(folder.iterdir()) if file.suffix.lower() in ENDINGS}
        stems = {source: sum_of([files[source]]) for source in SOURCES if source in files}
        if stems:
            split = folder.parent.name if folder.parent.name in ("valid", "test") else "train"
            yield DatasetSong(folder.name, split, stems)
