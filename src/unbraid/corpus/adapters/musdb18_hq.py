"""MUSDB18-HQ (Rafii et al. 2019): `train|test/<song>/vocals|drums|bass|other.wav`; its `other` holds the pianos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong, sum_of

KNOWN = ("vocals", "drums", "bass")


def songs(root: Path) -> Iterator[DatasetSong]:
    """Vocals, drums and bass of each song; piano and other are not told apart and stay out."""
    for split in ("train", "test"):
        for folder in sorted((root / split).glob("*/")):
            stems = {
                source: sum_of([folder / f"{source}.wav"]) for source in KNOWN if (folder / f"{source}.wav").exists()
            }
            if stems:
                yield DatasetSong(folder.name, split, stems)
