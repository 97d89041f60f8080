"""Keys, chords and progressions, which the band and the singer share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NOTE_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
CHORD_TONES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "M7": (0, 4, 7, 11),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
}
# Scale degrees (0 = tonic), one chord a bar; a well-worn few per mode, and a walk makes the rest.
COMMON = {
    "major": (
        (0, 4, 5, 3),
        (0, 5, 3, 4),
        (5, 3, 0, 4),
        (0, 3, 4, 3),
        (0, 0, 3, 4),
        (1, 4, 0, 0),
        (0, 3, 0, 4),
        (3, 4, 2, 5),
    ),
    "minor": ((0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 6, 2), (0, 0, 5, 6), (5, 6, 0, 0)),
}
# Where a chord likes to go next, by degree (rows) in either mode.
STEPS = {0: (1, 2, 3, 4, 5), 1: (4, 3, 6), 2: (5, 3), 3: (4, 0, 1), 4: (0, 5, 3), 5: (3, 1, 4), 6: (0, 2, 5)}


@dataclass(frozen=True)
class Key:
    """A tonic pitch class (0 = C) and a mode, `major` or `minor`."""

    tonic: int
    mode: str

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes of the key, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in SCALES[self.mode])

    def __str__(self) -> str:
        return f"{NOTE_NAMES[self.tonic]} {self.mode}"


@dataclass(frozen=True)
class Chord:
    """A root pitch class and a quality of `CHORD_TONES`; `str(chord)` is the name that MMA reads."""

    root: int
    quality: str

    @property
    def tones(self) -> tuple[int, ...]:
        """Pitch classes of the chord, root first."""
        return tuple((self.root + interval) % 12 for interval in CHORD_TONES[self.quality])

    def __str__(self) -> str:
        return NOTE_NAMES[self.root] + self.quality


def random_key(rng: np.random.Generator) -> Key:
    """Any tonic, major a little more often than minor."""
    return Key(int(rng.integers(12)), "major" if rng.random() < 0.55 else "minor")


def diatonic_chord(rng: np.random.Generator, key: Key, degree: int, richness: float) -> Chord:
    """The chord on a degree of the key; `richness` (0 to 1) is the chance of a seventh or a suspension."""
    scale = key.scale
    root = scale[degree]
    third, fifth = ((scale[(degree + step) % 7] - root) % 12 for step in (2, 4))
    seventh = (scale[(degree + 6) % 7] - root) % 12
    if fifth == 6:
        return Chord(root, "dim")
    minor = third == 3
    if key.mode == "minor" and degree == 4 and rng.random() < 0.5:
        minor, seventh = False, 10  # the major dominant of the harmonic minor
    if rng.random() < richness:
        if minor:
            return Chord(root, "m7")
        return Chord(root, "7" if seventh == 10 else "M7")
    if degree == 4 and rng.random() < 0.1:
        return Chord(root, "sus4")
    return Chord(root, "m" if minor else "")


def progression(rng: np.random.Generator, key: Key, bars: int = 4) -> list[Chord]:
    """Return one chord for each of `bars` bars: a common pattern, or a walk through the key that leads to the tonic."""
    richness = float(rng.choice((0.0, 0.15, 0.5)))
    if rng.random() < 0.6:
        pattern = COMMON[key.mode][int(rng.integers(len(COMMON[key.mode])))]
        degrees = [pattern[bar % len(pattern)] for bar in range(bars)]
    else:
        degrees = [0 if rng.random() < 0.7 else 5]
        while len(degrees) < bars:
            degrees.append(int(rng.choice(STEPS[degrees[-1]])))
        if rng.random() < 0.6:
            degrees[-1] = 4
    chords: dict[int, Chord] = {}
    for degree in degrees:
        chords.setdefault(degree, diatonic_chord(rng, key, degree, richness))
    return [chords[degree] for degree in degrees]


@dataclass(frozen=True)
class SongPlan:
    """The plan of a song: key, one chord a bar (None: the singer rests), beats a bar, beats a minute."""

    key: Key
    chords: list[Chord | None]
    beats_per_bar: int
    tempo: float

    @property
    def seconds(self) -> float:
        """Length of the song without its tail, in s."""
        return len(self.chords) * self.beats_per_bar * 60 / self.tempo
