"""Melodies to sing: rhythms from motifs, pitches from the key, chord tones on the strong beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unbraid.corpus.composing.harmony import Chord, Key

# How one beat may be cut, in beats; negative = rest.
CELLS = {
    "slow": ((1.0,), (1.0,), (2.0,), (0.5, 0.5), (-1.0,), (1.5, 0.5)),
    "medium": ((1.0,), (0.5, 0.5), (0.5, 0.5), (-0.5, 0.5), (1.5, 0.5), (0.75, 0.25), (-1.0,)),
    "fast": ((0.5, 0.5), (0.25, 0.25, 0.5), (0.5, 0.25, 0.25), (0.25, 0.25, 0.25, 0.25), (-0.25, 0.75), (-0.5, 0.5)),
}


@dataclass(frozen=True)
class SungNote:
    """One note of a melody: onset and length in beats, MIDI pitch, and whether it continues the previous syllable."""

    beat: float
    beats: float
    pitch: int
    tied: bool = False


def _motif(rng: np.random.Generator, density: str, beats: int) -> list[tuple[float, float]]:
    """(onset, length) pairs of one phrase of `beats` beats, the last note long and a breath after it."""
    cells = CELLS[density]
    notes: list[tuple[float, float]] = []
    beat = 0.0
    breath = float(rng.choice((0.5, 1.0, 1.0, 2.0)))
    while beat < beats - breath - 0.5:
        for length in cells[int(rng.integers(len(cells)))]:
            if length > 0 and beat < beats - breath:
                notes.append((beat, min(length, beats - breath - beat)))
            beat += abs(length)
    if notes:
        onset, _ = notes[-1]
        notes[-1] = (onset, max(0.25, beats - breath - onset))
    return notes


def _nearest(pitch: float, classes: tuple[int, ...], rng: np.random.Generator) -> int:
    """A pitch of the given classes near `pitch`."""
    around = [p for p in range(int(pitch) - 7, int(pitch) + 8) if p % 12 in classes]
    distance = np.array([abs(p - pitch) for p in around]) + rng.random(len(around)) * 1.5
    return around[int(np.argmin(distance))]


def compose(
    rng: np.random.Generator,
    key: Key,
    chords: list[Chord | None],
    beats_per_bar: int,
    centre: float,
    density: str = "medium",
) -> list[SungNote]:
    """A melody over one chord a bar (None: the singer is silent) that stays around the MIDI pitch `centre`."""
    phrase_bars = int(rng.choice((1, 2, 2, 2)))
    motifs = [_motif(rng, density, phrase_bars * beats_per_bar) for _ in range(int(rng.integers(2, 4)))]
    leap = rng.uniform(1.0, 3.5)
    notes: list[SungNote] = []
    pitch = centre + rng.normal(0, 3)
    for bar in range(0, len(chords) - phrase_bars + 1, phrase_bars):
        if chords[bar] is None or chords[bar + phrase_bars - 1] is None:
            continue
        motif = motifs[int(rng.integers(len(motifs)))]
        target = centre + rng.normal(0, 3)
        for onset, length in motif:
            chord = chords[bar + int(onset // beats_per_bar)]
            assert chord is not None
            strong = onset % 2 == 0 or length >= 1
            pitch = 0.85 * pitch + 0.15 * target + rng.normal(0, leap)
            pitch = float(np.clip(pitch, centre - 9, centre + 9))
            chosen = _nearest(pitch, chord.tones if strong else key.scale, rng)
            tied = bool(notes) and onset > 0 and rng.random() < 0.07
            notes.append(SungNote(bar * beats_per_bar + onset, length, chosen, tied))
            pitch = float(chosen)
    return notes


def harmonise(notes: list[SungNote], key: Key, steps: int) -> list[SungNote]:
    """The same melody `steps` degrees of the scale higher (lower when negative)."""
    ladder = [p for p in range(128) if p % 12 in key.scale]
    shifted = []
    for note in notes:
        at = int(np.argmin([abs(p - note.pitch) for p in ladder]))
        shifted.append(SungNote(note.beat, note.beats, ladder[min(max(at + steps, 0), len(ladder) - 1)], note.tied))
    return shifted
