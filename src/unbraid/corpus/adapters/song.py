"""A song of somebody's data set, as the sources that it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unbraid.corpus.audio_files import Audio, read

Load = Callable[[], Audio]


@dataclass(frozen=True)
class DatasetSong:
    """A song: a name, a split, and for each source known on its own a function that reads `(channels, samples)`.

    What a data set does not tell apart (MUSDB18's `other` holds the pianos) is left out: the song trains what it has.
    """

    name: str
    split: str
    stems: Mapping[str, Load]

    @property
    def folder_name(self) -> str:
        """The name with nothing in it that a file system minds."""
        return re.sub(r"[^\w .,()'&-]", "_", self.name).strip(" .") or "song"

    def read(self) -> dict[str, Audio]:
        """All stems `(2, samples)`, padded to one length and, should their sum clip, scaled alike."""
        stems = {source: _stereo(load()) for source, load in self.stems.items()}
        length = max(stem.shape[1] for stem in stems.values())
        padded = {s: np.pad(stem, ((0, 0), (0, length - stem.shape[1]))) for s, stem in stems.items()}
        total = np.sum(list(padded.values()), axis=0)
        peak = max(float(np.abs(total).max()), *(float(np.abs(stem).max()) for stem in padded.values()))
        return {source: stem / np.float32(peak) for source, stem in padded.items()} if peak > 1 else padded


def sum_of(
    paths: Sequence[Path], gains: Sequence[float] | None = None, start: float = 0.0, seconds: float | None = None
) -> Load:
    """A function that reads files, all from `start` s on, and adds them, the shorter ones padded."""

    def load() -> Audio:
        audios = [_stereo(read(path, start, seconds)) for path in paths]
        total = np.zeros((2, max(audio.shape[1] for audio in audios)), np.float32)
        for audio, gain in zip(audios, gains or [1.0] * len(audios), strict=True):
            total[:, : audio.shape[1]] += audio * np.float32(gain)
        return total

    return load


def _stereo(audio: Audio) -> Audio:
    return np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio[:2]
