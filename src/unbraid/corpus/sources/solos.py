"""Solos: recordings of one stem each, from singers, soloists and the separate tracks of songs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong, Load, sum_of
from unbraid.corpus.audio_files import RATE, Audio, sounding
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.source import Source


@dataclass(frozen=True)
class Solo:
    """One recording: its name, what the catalogue calls it, its stem, its split and its files in their order.

    `rests`: it is a track of the song called `song_name`, silent where others play.
    """

    name: str
    id: str
    stem: str
    split: str
    files: tuple[Path, ...]
    song_name: str = ""
    rests: bool = False

    def song(self) -> DatasetSong:
        """The same as a song of one stem."""
        load = joined(self.files)
        return DatasetSong(self.name, self.split, {self.stem: (lambda: sounding(load())) if self.rests else load})


def solos(source: Source, material: MaterialFolders) -> list[Solo]:
    """The recordings of a source of which every file lies on this machine."""
    return [solo for solo in _all(source, material) if solo.files and all(map(Path.exists, solo.files))]


def _all(source: Source, material: MaterialFolders) -> Iterator[Solo]:
    for recording in source.recordings:
        files = source.wanted(recording, material)
        split = recording.split or source.split
        if recording.name:
            yield _solo(source, recording.name, recording.stem, split, tuple(files), "")
        else:
            for path, file in zip(recording.files, files, strict=True):
                yield _solo(source, file.stem, recording.stem, split, (file,), Path(path).parent.name)


def _solo(source: Source, name: str, stem: str, split: str, files: tuple[Path, ...], song_name: str) -> Solo:
    identifier = f"solo:{source.title}/{name}"
    return Solo(f"{source.title}-{name}", identifier, stem, split, files, song_name, source.rests)


def joined(paths: Sequence[Path]) -> Load:
    """A function that reads the files one after the other, with half a second of silence between them."""

    def load() -> Audio:
        silence = np.zeros((2, RATE // 2), np.float32)
        parts = [part for path in paths for part in (silence, sum_of([path])())]
        return np.concatenate(parts[1:], axis=1)

    return load
