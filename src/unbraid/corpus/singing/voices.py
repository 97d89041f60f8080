"""The voices and their recordings; speech is analysed once for many songs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from unbraid.corpus.audio_files import read, seconds_of
from unbraid.corpus.singing.syllables import Speech, analyse
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import source

EXCERPT = 18.0  # s of speech that a singer takes syllables from


@dataclass(frozen=True)
class Voice:
    """Recordings of one voice: its name, how often it is chosen, and what it can do.

    `prefix` picks files by the start of their name; `band_limit` in Hz where the recording ends early; `kind` is the
    kind of its source.
    """

    name: str
    weight: float
    split: str = "train"
    prefix: str = ""
    band_limit: float | None = None
    can_rap: bool = True
    sung: bool = False
    kind: str = "voices"

    @property
    def id(self) -> str:
        """Its identifier in the catalogue."""
        return f"voice:{self.name}"

    def files(self, material: MaterialFolders) -> list[Path]:
        """The recordings, in order."""
        found = source(self.record).found(material)
        return [path for path in found if path.name[0] in (self.prefix or path.name[0])]

    @property
    def record(self) -> str:
        """The name of its source."""
        return f"{self.kind}/{self.name.split(':')[0]}"


VOICES = (
    Voice("kathleen", 4.0),
    Voice("nathalie", 3.0),
    Voice("yuki", 2.0, can_rap=False, sung=True),
    Voice("pjs", 2.5, can_rap=False, sung=True, kind="solos"),
    Voice("flemishguy", 1.4, band_limit=11500),
    Voice("kokoro", 1.6, prefix="012", band_limit=11500),
    Voice("gcompris_gd", 3.0, split="valid", can_rap=False),
    Voice("erithacus", 1.0, split="valid", can_rap=False, sung=True),
    Voice("kokoro:3", 2.0, split="valid", prefix="3", band_limit=11500),
)


def choose_voice(rng: np.random.Generator, split: str, material: MaterialFolders) -> Voice:
    """Return a voice of the split that has recordings, a full-band one more often."""
    voices = [voice for voice in VOICES if voice.split == split and voice.files(material)]
    weights = np.array([voice.weight for voice in voices])
    return voices[int(rng.choice(len(voices), p=weights / weights.sum()))]


@lru_cache(maxsize=6)
def analysed(path: Path, start: float, seconds: float, band_limit: float | None) -> Speech:
    """Return the analysis of a file from `start` on, `seconds` long."""
    audio = read(path, start, seconds).mean(axis=0)
    return analyse(audio / max(float(np.abs(audio).max()), 1e-3) * 0.7, band_limit)


def excerpt(rng: np.random.Generator, voice: Voice, material: MaterialFolders, seconds: float) -> tuple[Path, float]:
    """A file of the voice and a place in it; places lie on a coarse grid so that analyses can be reused."""
    files = voice.files(material)
    path = files[int(rng.integers(len(files)))]
    last = max(0.0, seconds_of(path) - seconds)
    return path, float(rng.integers(int(last / 10) + 1) * 10)
