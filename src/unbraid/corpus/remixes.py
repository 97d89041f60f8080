"""Songs whose single tracks are known, remixed: some tracks left out, the others louder or softer.

The stems of a song always come with the same tracks at the same levels, and a network soon knows their sums by heart.
What belongs together stays together here: the key, the beat, the effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unbraid.corpus.adapters.song import DatasetSong, stereo
from unbraid.corpus.audio_files import RATE, Audio, read, seconds_of
from unbraid.corpus.repositories import COLLECTIONS, Solo

REMIXES = 100
SECONDS = 60.0
KEPT = 0.65  # of the tracks
SPREAD = 4.0  # dB, standard deviation of a track's level


@dataclass(frozen=True)
class Stem:
    """Tracks and their gains, all from `start` s on; as a function, their sum `(2, samples)`."""

    tracks: tuple[Solo, ...]
    gains: tuple[float, ...]
    start: float

    def __call__(self) -> Audio:
        """Read the tracks and add them."""
        total = np.zeros((2, int(SECONDS * RATE)), np.float32)
        for track, gain in zip(self.tracks, self.gains, strict=True):
            audio = stereo(read(track.files[0], self.start, SECONDS))
            total[:, : audio.shape[1]] += audio[:, : total.shape[1]] * np.float32(gain)
        return total


def remixes() -> Iterator[tuple[DatasetSong, dict[str, tuple[str, ...]]]]:
    """Remixes of the songs whose tracks lie there, and for each stem what its tracks are called in the catalogue."""
    songs: dict[str, list[Solo]] = {}
    for track in (solo for collection in COLLECTIONS if collection.rests for solo in collection.solos()):
        if track.split == "train":
            songs.setdefault(track.name.partition("_Stem_")[0], []).append(track)
    for number in range(REMIXES if songs else 0):
        yield _remix(number, list(songs.values())[number % len(songs)])


def _remix(number: int, tracks: Sequence[Solo]) -> tuple[DatasetSong, dict[str, tuple[str, ...]]]:
    rng = np.random.default_rng([303, number])
    start = rng.uniform(0, max(0.0, seconds_of(tracks[0].files[0]) - SECONDS))
    kept: dict[str, list[Solo]] = {}
    for track in tracks:
        if rng.random() < KEPT:
            kept.setdefault(track.stem, []).append(track)
    stems = {
        source: Stem(tuple(chosen), tuple(10 ** (rng.normal(0, SPREAD, len(chosen)) / 20)), start)
        for source, chosen in kept.items()
    }
    names = {source: tuple(track.id for track in chosen) for source, chosen in kept.items()}
    return DatasetSong(f"{number:03}", "train", stems), names
