"""Notes as every instrument here reads them: seconds, MIDI pitches, velocities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from unbraid.corpus.audio_files import Audio
from unbraid.corpus.general_midi import BASSES, PERCUSSION, PIANOS
from unbraid.errors import CorpusError


@dataclass(frozen=True)
class Note:
    """One note: onset and end in s, MIDI pitch, velocity 1 to 127."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Part:
    """What one player plays: a General MIDI program, drums or not, notes, pitch bends as (s, -8192..8191)."""

    name: str
    program: int
    is_drum: bool
    notes: list[Note]
    bends: list[tuple[float, int]] = field(default_factory=list)

    def slowed_down(self, factor: float) -> Part:
        """Return the part stretched to `factor` times its length."""
        notes = [replace(note, start=note.start * factor, end=note.end * factor) for note in self.notes]
        return replace(self, notes=notes, bends=[(at * factor, bend) for at, bend in self.bends])

    @property
    def source(self) -> str:
        """The source that the part belongs to, by program: a track called "Bass" may hold a guitar."""
        if self.is_drum or self.program in PERCUSSION:
            return "drums"
        if self.program in PIANOS:
            return "piano"
        return "bass" if self.program in BASSES else "other"

    def kept(self, keep: Callable[[Note], bool]) -> Part:
        """The part with only the notes that `keep` agrees to."""
        return replace(self, notes=[note for note in self.notes if keep(note)])

    def within(self, low: int, high: int) -> Part:
        """The part with notes outside `low..high` moved by octaves into it."""

        def fold(pitch: int) -> int:
            while pitch < low:
                pitch += 12
            while pitch > high:
                pitch -= 12
            return max(pitch, low)

        return replace(self, notes=[replace(note, pitch=fold(note.pitch)) for note in self.notes])


class Instrument(Protocol):
    """Anything that plays a part: soundfont programs, SFZ instruments, synthesisers, drum kits."""

    @property
    def name(self) -> str:
        """A name that stays the same from run to run, because splits depend on it."""

    @property
    def material(self) -> str:
        """The catalogue identifier of its sounds."""

    def render(self, part: Part, samples: int) -> Audio:
        """The part as `(2, samples)` at 44.1 kHz."""


def humanise(rng: np.random.Generator, part: Part, seconds: float, velocities: float) -> Part:
    """Return the notes with normal errors of these standard deviations in onset and velocity."""
    shaken = []
    for note in part.notes:
        shift = float(np.clip(rng.normal(0, seconds), -3 * seconds, 3 * seconds))
        start = max(0.0, note.start + shift)
        velocity = int(np.clip(note.velocity + rng.normal(0, velocities), 12, 127))
        shaken.append(Note(start, max(start + 0.02, note.end + shift), note.pitch, velocity))
    return replace(part, notes=shaken)


def read_midi(path: Path) -> tuple[list[Part], tuple[int, int]]:
    """The parts of a MIDI file, one for each track and program, and its first time signature."""
    import symusic

    try:
        ticks: Any = symusic.Score(str(path))
        signatures = ticks.time_signatures
        signature = (int(signatures[0].numerator), int(signatures[0].denominator)) if signatures else (4, 4)
        score = ticks.to("second")
    except Exception as error:  # symusic raises bare RuntimeErrors of many kinds
        raise CorpusError(f"{path} cannot be read as MIDI ({error}): take it out.") from error
    parts = []
    for track in score.tracks:
        notes = [
            Note(float(n.time), float(n.time + max(n.duration, 0.03)), int(n.pitch), int(n.velocity))
            for n in track.notes
            if n.velocity > 0
        ]
        if notes:
            bends = [(float(bend.time), int(bend.value)) for bend in track.pitch_bends]
            parts.append(
                Part(track.name, int(track.program), bool(track.is_drum), sorted(notes, key=lambda n: n.start), bends)
            )
    return parts, signature
