"""Human drumming: the Groove MIDI Dataset (Gillick et al. 2019), looped to the length of a song."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from unbraid.corpus.composing.notes import Note, Part, read_midi
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.records import source
from unbraid.errors import CorpusError

# The dataset's electronic kit has pitches outside General MIDI: edges and rims.
TO_GENERAL_MIDI = {22: 42, 26: 46, 58: 43, 40: 38}
RECORD = "grooves/groove"


@dataclass(frozen=True)
class Groove:
    """One recording of a drummer in 4/4: the file, the style and the tempo of its name, in beats a minute."""

    path: Path
    style: str
    tempo: float

    @property
    def drummer(self) -> str:
        """Who plays."""
        return self.path.parent.parent.name

    @property
    def id(self) -> str:
        """Its identifier in the catalogue."""
        return f"groove:{self.drummer}/{self.path.parent.name}/{self.path.stem}"

    @property
    def held_out(self) -> bool:
        """Whether the drummer belongs to the validation split."""
        return source(RECORD).is_held_out(self.path)


@lru_cache(maxsize=2)
def grooves(material: MaterialFolders) -> tuple[Groove, ...]:
    """All 4/4 beats of the dataset, sorted by file."""
    found = []
    for path in source(RECORD).found(material):
        _, style, tempo, *_ = path.stem.split("_")
        found.append(Groove(path, style, float(tempo)))
    if not found:
        raise CorpusError("The Groove MIDI Dataset is missing: `unbraid corpus fetch` brings it.")
    return tuple(found)


def play(rng: np.random.Generator, groove: Groove, bars: int) -> Part:
    """Return the groove from a random bar on, looped over `bars` bars of 4/4 at its own tempo."""
    parts, _ = read_midi(groove.path)
    notes = sorted((note for part in parts for note in part.notes), key=lambda note: note.start)
    bar = 4 * 60 / groove.tempo
    length = max(1, round(notes[-1].start / bar + 0.2))
    played: list[Note] = []
    at = 0
    while at < bars:
        first = int(rng.integers(max(1, length - 3)))
        take = min(length - first, bars - at)
        begin, end = first * bar - 0.03, (first + take) * bar - 0.03
        shift = (at - first) * bar
        for note in notes:
            if begin <= note.start < end:
                start = max(0.0, note.start + shift)
                played.append(Note(start, start + 0.1, TO_GENERAL_MIDI.get(note.pitch, note.pitch), note.velocity))
        at += take
    return Part("drums", 0, True, played)
