"""A step sequencer: drum patterns, bass lines, stabs, arpeggios, pads and leads over one chord for each 4/4 bar."""

from __future__ import annotations

import numpy as np

from unbraid.corpus.composing.harmony import Chord, Key
from unbraid.corpus.composing.melody import compose
from unbraid.corpus.composing.notes import Note, Part

# Sixteen steps: x = hit, o = sometimes, - = rest.
KICKS = (
    "x---x---x---x---",
    "x-----x---x-----",
    "x--x--x---x--x--",
    "x-------x-x-----",
    "x--o--x-x--o----",
    "x---------x-----",
    "x-x---x---x--o--",
)
SNARES = (
    "----x-------x---",
    "----x-------x--o",
    "--------x-------",
    "----x--o-o--x---",
    "------x-----x---",
    "----x-------x-o-",
)
HATS = (
    "--x---x---x---x-",
    "x-x-x-x-x-x-x-x-",
    "xxxxxxxxxxxxxxxx",
    "x-xxx-xxx-xxx-xx",
    "x--x--x-x--x--x-",
    "x-o-x-o-x-o-x-oo",
)
EXTRAS = ("----------------", "---o------o-----", "-------o------o-", "x--x--x--x--x---", "--o---o---o---o-")


def drums(rng: np.random.Generator, bars: int, tempo: float, section_bars: int) -> Part:
    """A programmed beat that changes with the sections and fills before them; swung now and then."""
    step = 60 / tempo / 4
    swing = float(rng.choice((0.0, 0.0, rng.uniform(0.05, 0.33)))) * step
    upper = 39 if rng.random() < 0.4 else 38
    patterns = [[str(rng.choice(rows)) for rows in (KICKS, SNARES, HATS, EXTRAS)] for _ in range(3)]
    extra = int(rng.choice((37, 46, 54, 56, 45, 75)))
    pitches = (36, upper, 42, extra)
    notes = []
    for bar in range(bars):
        pattern = patterns[(bar // section_bars) % len(patterns)]
        fill = bar % section_bars == section_bars - 1 and rng.random() < 0.5
        if bar % section_bars == 0 and rng.random() < 0.6:
            notes.append(Note(bar * 16 * step, bar * 16 * step + 1, 49, int(rng.integers(80, 115))))
        for row, (steps, pitch) in enumerate(zip(pattern, pitches, strict=True)):
            for number, mark in enumerate(steps):
                if mark == "-" or (mark == "o" and rng.random() < 0.6) or (fill and number >= 12):
                    continue
                start = (bar * 16 + number) * step + (swing if number % 2 else 0)
                accent = 112 if number % 4 == 0 or row < 2 else int(rng.integers(55, 100))
                open_hat = pitch == 42 and number % 4 == 2 and rng.random() < 0.15
                notes.append(Note(start, start + step, 46 if open_hat else pitch, accent))
        if fill:
            for number in range(12, 16):
                start = (bar * 16 + number) * step
                notes.append(
                    Note(start, start + step, int(rng.choice((38, 45, 48, 50, upper))), int(rng.integers(75, 120)))
                )
    return Part("drums", 0, True, sorted(notes, key=lambda note: note.start))


def bass(rng: np.random.Generator, chords: list[Chord], tempo: float) -> Part:
    """Roots in a one-bar rhythm with octaves, fifths and approaches."""
    step = 60 / tempo / 4
    rhythm = str(
        rng.choice(
            (
                "x---x---x---x---",
                "--x---x---x---x-",
                "x-x-x-x-x-x-x-x-",
                "x--x--x-x--x--x-",
                "x---------x-----",
                "xxxxxxxxxxxxxxxx",
                "x---------------",
                "x-----x-x-----o-",
            )
        )
    )
    figures = [int(rng.choice((0, 0, 0, 12, 7, 0))) for _ in range(16)]
    gate = rng.uniform(0.5, 1.0)
    notes = []
    for bar, chord in enumerate(chords):
        steps = [number for number, mark in enumerate(rhythm) if mark == "x" or (mark == "o" and rng.random() < 0.5)]
        for place, number in enumerate(steps):
            until = steps[place + 1] if place + 1 < len(steps) else 16
            start = (bar * 16 + number) * step
            pitch = 28 + (chord.root - 28) % 12 + figures[number]
            notes.append(Note(start, start + (until - number) * step * gate, pitch, int(rng.integers(90, 118))))
    return Part("bass", 38, False, notes)


def _voicing(chord: Chord, low: int) -> list[int]:
    """The chord's tones stacked upwards from `low`."""
    return sorted(low + (tone - low) % 12 for tone in chord.tones)


def chords_part(
    rng: np.random.Generator, chords: list[Chord], tempo: float, program: int, rhythm: str | None = None
) -> Part:
    """Held or rhythmic chords."""
    step = 60 / tempo / 4
    rhythm = rhythm or str(
        rng.choice(
            (
                "x---------------",
                "x---------------",
                "x-------x-------",
                "x--x--x---x-x---",
                "--x---x---x---x-",
                "x-----x---x-----",
                "x---x---x---x---",
            )
        )
    )
    low = int(rng.integers(40, 67))
    gate = rng.uniform(0.6, 1.0)
    notes = []
    for bar, chord in enumerate(chords):
        steps = [number for number, mark in enumerate(rhythm) if mark == "x"]
        for place, number in enumerate(steps):
            until = steps[place + 1] if place + 1 < len(steps) else 16
            start = (bar * 16 + number) * step
            velocity = int(rng.integers(70, 105))
            for tone in _voicing(chord, low):
                notes.append(Note(start, start + (until - number) * step * gate, tone, velocity))
    return Part("chords", program, False, notes)


def power_chords(rng: np.random.Generator, chords: list[Chord], tempo: float, program: int = 30) -> Part:
    """Roots and fifths low on the neck, muted eighths or long ones: the guitars of rock and metal."""
    step = 60 / tempo / 4
    rhythm = str(
        rng.choice(("x-x-x-x-x-x-x-x-", "x---x-x-x---x-x-", "x-------x-------", "x--x--x-x--x--x-", "x-x-xxxxx-x-xxxx"))
    )
    low = int(rng.integers(36, 42))
    notes = []
    for bar, chord in enumerate(chords):
        steps = [number for number, mark in enumerate(rhythm) if mark == "x"]
        for place, number in enumerate(steps):
            until = steps[place + 1] if place + 1 < len(steps) else 16
            start = (bar * 16 + number) * step
            root = low + (chord.root - low) % 12
            for tone in (root, root + 7, root + 12):
                notes.append(Note(start, start + (until - number) * step * 0.92, tone, int(rng.integers(85, 118))))
    return Part("power chords", program, False, notes)


def left_hand(rng: np.random.Generator, chords: list[Chord], tempo: float, beats: int) -> list[Note]:
    """Octaves, fifths or tenths for the lower half of a piano."""
    beat = 60 / tempo
    every = int(rng.choice((1, 2, beats)))
    figure = rng.permutation(np.array((0, 12, 7, 12)))
    notes = []
    for bar, chord in enumerate(chords):
        root = 33 + (chord.root - 33) % 12
        for place, number in enumerate(range(0, beats, every)):
            start = (bar * beats + number) * beat
            tones = (root, root + 12) if every == beats else (root + int(figure[place % 4]),)
            notes += [Note(start, start + every * beat * 0.95, tone, int(rng.integers(60, 95))) for tone in tones]
    return notes


def sweeps(rng: np.random.Generator, bars: int, tempo: float, section_bars: int) -> Part:
    """Noise that swells into each section."""
    bar = 240 / tempo
    notes = []
    for border in range(section_bars, bars + 1, section_bars):
        length = float(rng.choice((1, 2, 4)))
        if rng.random() < 0.7 and border >= length:
            notes.append(Note((border - length) * bar, border * bar, 60, int(rng.integers(60, 110))))
    return Part("sweep", 97, False, notes)


def atmosphere(rng: np.random.Generator, bars: int, tempo: float, section_bars: int) -> Part:
    """One long tone for some sections, for noises that stay."""
    bar = 240 / tempo
    starts = [start for start in range(0, bars, section_bars) if rng.random() < 0.6] or [0]
    notes = [
        Note(start * bar, min(start + section_bars, bars) * bar, 60, int(rng.integers(50, 100))) for start in starts
    ]
    return Part("atmosphere", 97, False, notes)


def strummed(rng: np.random.Generator, chords: list[Chord], tempo: float, program: int) -> Part:
    """A guitarist's chords over five or six strings, one string after the other, down on the beat and up between."""
    step = 60 / tempo / 4
    rhythm = str(
        rng.choice(("d---d-u---u-d-u-", "d---d---d---d---", "d-u-d-u-d-u-d-u-", "d-----u-d---d-u-", "dudud-ud-udud-ud"))
    )
    slow = rng.uniform(0.006, 0.022)  # s from string to string
    notes = []
    for bar, chord in enumerate(chords):
        strings = [root + min((tone - root) % 12 for tone in chord.tones) for root in (40, 45, 50, 55, 59, 64)]
        places = [number for number, mark in enumerate(rhythm) if mark != "-"]
        for place, number in enumerate(places):
            until = (bar * 16 + (places[place + 1] if place + 1 < len(places) else 16)) * step
            down = rhythm[number] == "d"
            struck = strings if down else strings[:1:-1]
            hard = int(rng.integers(78, 112)) - (0 if down else 15)
            for order, pitch in enumerate(struck):
                start = (bar * 16 + number) * step + order * slow * (1 if down else 0.6)
                if start < until - 0.02:
                    notes.append(Note(start, until, pitch, max(hard - 2 * order, 20)))
    return Part("strummed guitar", program, False, notes)


def arpeggio(rng: np.random.Generator, chords: list[Chord], tempo: float, program: int) -> Part:
    """Broken chords in eighths or sixteenths over one or two octaves."""
    cell = int(rng.choice((1, 2, 2, 3)))
    step = 60 / tempo / 4
    low = int(rng.integers(52, 70))
    order = rng.permutation(6) if rng.random() < 0.5 else np.arange(6)
    gate = rng.uniform(0.3, 1.1)
    notes = []
    for bar, chord in enumerate(chords):
        ladder = [tone + 12 * octave for octave in range(2) for tone in _voicing(chord, low)]
        for place, number in enumerate(range(0, 16, cell)):
            if rng.random() < 0.06:
                continue
            start = (bar * 16 + number) * step
            notes.append(
                Note(
                    start,
                    start + cell * step * gate,
                    ladder[int(order[place % 6]) % len(ladder)],
                    int(rng.integers(60, 110)),
                )
            )
    return Part("arpeggio", program, False, notes)


def lead(rng: np.random.Generator, key: Key, chords: list[Chord], tempo: float, program: int) -> Part:
    """A played melody, with rests."""
    beat = 60 / tempo
    open_bars: list[Chord | None] = [
        None if (bar // 4) % 2 and rng.random() < 0.7 else chord for bar, chord in enumerate(chords)
    ]
    tune = compose(rng, key, open_bars, 4, rng.uniform(66, 82), str(rng.choice(("slow", "medium", "fast"))))
    notes = [Note(n.beat * beat, (n.beat + n.beats * 0.9) * beat, n.pitch, int(rng.integers(75, 115))) for n in tune]
    return Part("lead", program, False, notes)
