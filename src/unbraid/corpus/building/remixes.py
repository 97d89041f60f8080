"""Remixes songs whose separate tracks are known: some tracks left out, the others louder or softer.

The stems of a song always have the same tracks at the same levels, and a network soon knows their sums by heart.
In a remix, the key, the beat and the effects still fit together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.corpus.audio_files import seconds_of
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import of_kind
from unbraid.corpus.sources.solos import Solo, solos

REMIXES = 100
SECONDS = 60.0
KEPT = 0.65  # of the tracks
SPREAD = 4.0  # dB, standard deviation of a track's level


def remixes(material: MaterialFolders) -> Iterator[tuple[DatasetSong, dict[str, tuple[str, ...]]]]:
    """Return remixes of the songs whose tracks are present, and for each stem the catalogue names of its tracks."""
    songs: dict[str, list[Solo]] = {}
    for track in (solo for source in of_kind("solos") if source.rests for solo in solos(source, material)):
        if track.split == "train":
            songs.setdefault(track.song_name, []).append(track)
    tracks = list(songs.values())
    for number in range(REMIXES if tracks else 0):
        yield _remix(number, tracks[number % len(tracks)])


def _remix(number: int, tracks: Sequence[Solo]) -> tuple[DatasetSong, dict[str, tuple[str, ...]]]:
    rng = np.random.default_rng([303, number])
    start = rng.uniform(0, max(0.0, seconds_of(tracks[0].files[0]) - SECONDS))
    kept: dict[str, list[Solo]] = {}
    for track in [track for track in tracks if rng.random() < KEPT] or tracks:
        kept.setdefault(track.stem, []).append(track)
    stems = {
        source: sum_of(
            [track.files[0] for track in chosen], list(10 ** (rng.normal(0, SPREAD, len(chosen)) / 20)), start, SECONDS
        )
        for source, chosen in kept.items()
    }
    names = {source: tuple(track.id for track in chosen) for source, chosen in kept.items()}
    return DatasetSong(f"{number:03}", "train", stems), names
