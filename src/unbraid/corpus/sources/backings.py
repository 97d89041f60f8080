"""Backings: music without singing, each piece a band in a single file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong
from unbraid.corpus.audio_files import RATE, Audio, read
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.source import Source

SUM = "drums+bass+piano+other"
"""The name of a backing's only stem: its sources are not separated, but there is no voice."""
SECONDS = 180.0
"""How much of a piece is used: more of the same band teaches little."""
SILENT = 1e-3  # anything quieter at either end is cut off
PEAK = 0.95  # for pieces above it; some are mastered into clipping


def pieces(source: Source, material: MaterialFolders) -> dict[str, Path]:
    """The files of a source of backings by the names of their pieces; none if it was not fetched."""
    folder = source.place(material)
    named = {"-".join(path.relative_to(folder).with_suffix("").parts): path for path in source.found(material)}
    return {name: path for name, path in named.items() if name not in source.leave_out}


def songs(source: Source, material: MaterialFolders) -> dict[str, DatasetSong]:
    """The pieces by the identifiers of their materials."""
    return {
        material_id(source, piece): DatasetSong(
            f"{source.title}-{piece}", source.split, {SUM: partial(_beginning, path)}
        )
        for piece, path in pieces(source, material).items()
    }


def material_id(source: Source, piece: str) -> str:
    """The identifier of a piece in the catalogue."""
    return f"backing:{source.title}/{piece}"


def _beginning(path: Path) -> Audio:
    """The first minutes of a piece, without the silence at its ends, below full scale."""
    audio = read(path, seconds=SECONDS)
    loud = np.flatnonzero(np.abs(audio).max(axis=0) > SILENT)
    audio = audio[:, loud[0] : loud[-1] + 1] if len(loud) else audio[:, :RATE]
    return audio * np.float32(min(1.0, PEAK / max(float(np.abs(audio).max()), 1e-9)))
