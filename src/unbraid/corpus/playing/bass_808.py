"""Basses struck like kicks ("808"): sines that fall to their pitch, ring long and are driven, on notes of a scale.

They differ from a kick in how long they ring, and they play a tune. A network that has heard few of them
takes half of each for drums, and more if a kick falls on the same moment, so every phrase comes with a beat.
Producers leave the lows to such a bass and cut them from the kick; so do most of these beats.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing import sequencer
from unbraid.corpus.composing.notes import Note
from unbraid.corpus.playing.drum_machines import DrumMachine
from unbraid.corpus.production.effects import effects

PHRASES = 320
SECONDS = 24.0
STEPS = 32  # of the pattern that is repeated
MINOR, MAJOR = (0, 0, 0, 3, 5, 7, 10, -2, 12), (0, 0, 2, 4, 7, 9, 12, -3, -5)  # semitones above the root
PEAK = 0.5
THIN = 0.6  # of the beats have no lows


@dataclass(frozen=True)
class Rhythm:
    """When the bass is struck: beats a minute, the length of a step in s, the steps that are struck."""

    tempo: float
    step: float
    hits: list[int]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Rhythm:
        """A pattern of sixteenths or eighths, repeated."""
        tempo = rng.uniform(65, 160)
        step = 60 / tempo / rng.choice([2, 4])
        pattern = rng.random(STEPS) < rng.uniform(0.12, 0.5)
        pattern[0] = True
        return cls(tempo, step, [hit for hit in range(int(SECONDS / step)) if pattern[hit % STEPS]])


def drums(number: int) -> Audio:
    """Return the beat of phrase `number`, `(2, samples)`: many of its kicks coincide with strokes of the bass."""
    from pedalboard import LadderFilter

    rhythm = Rhythm.draw(np.random.default_rng([808, number]))
    rng = np.random.default_rng([909, number])
    beat = sequencer.drums(rng, bars=int(np.ceil(SECONDS * rhythm.tempo / 240)), tempo=rhythm.tempo, section_bars=4)
    together = rng.uniform(0.3, 1)
    kicks = [
        Note(hit * rhythm.step, (hit + 1) * rhythm.step, 36, int(rng.integers(85, 120)))
        for hit in rhythm.hits
        if rng.random() < together
    ]
    others = beat.notes if rng.random() < 0.5 else [note for note in beat.notes if note.pitch != 36]
    part = replace(beat, notes=sorted([*others, *kicks], key=lambda note: note.start))
    out = DrumMachine(int(rng.integers(2**31))).render(part, int(SECONDS * RATE))
    if rng.random() < THIN:
        out = effects(out, LadderFilter(LadderFilter.Mode.HPF24, rng.uniform(60, 140)))
    return out * np.float32(rng.uniform(0.5, 1.6) * PEAK / np.abs(out).max())


def phrase(number: int) -> Audio:
    """Return phrase `number`, `(1, samples)`: each has its own rhythm, tune and sound."""
    rng = np.random.default_rng([808, number])
    rhythm = Rhythm.draw(rng)
    step, hits = rhythm.step, rhythm.hits
    root, scale = rng.uniform(28, 52), MINOR if rng.random() < 0.7 else MAJOR
    tune = root * 2 ** (rng.choice(scale, STEPS) / 12)
    sweep, fall = rng.uniform(0, 34), rng.uniform(0.006, 0.07)  # semitones, s; many are layered with a kick
    decay, attack = rng.uniform(0.25, 2.5), rng.uniform(0.001, 0.012)  # s
    drive = rng.choice([0, rng.uniform(0.3, 5)])
    glides, choked = rng.random() < 0.35, rng.random() < 0.8
    overtone = rng.choice([0, 0, rng.uniform(0.05, 0.3)])
    out = np.zeros(int(SECONDS * RATE), np.float32)
    before = root
    for hit, following in zip(hits, [*hits[1:], int(SECONDS / step)], strict=True):
        begin = int(hit * step * RATE)
        ringing = int(following * step * RATE) - begin if choked else int(decay * 3 * RATE)
        length = min(ringing, len(out) - begin, int(decay * 4 * RATE))
        if length < RATE // 100:
            continue
        time = np.arange(length) / RATE
        hertz = tune[hit % STEPS] * 2 ** (sweep / 12 * np.exp(-time / fall))
        if glides and rng.random() < 0.5:
            hertz = hertz + (before - tune[hit % STEPS]) * np.exp(-time / rng.uniform(0.03, 0.15))
        before = tune[hit % STEPS]
        level = np.minimum(time / attack, 1) * np.exp(-time / decay) * rng.uniform(0.7, 1)
        out[begin : begin + length] += _tone(hertz, overtone) * _faded(level)
    if drive:
        out = np.tanh(out * (1 + drive)).astype(np.float32)
    return out[np.newaxis] * np.float32(PEAK / np.abs(out).max())


def _tone(hertz: NDArray[np.float64], overtone: float) -> NDArray[np.float64]:
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    return np.asarray(np.sin(phase) + overtone * np.sin(2 * phase))


def _faded(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same without a click at its end."""
    end = min(300, len(level))
    return np.concatenate([level[:-end], level[-end:] * np.linspace(1, 0, end)])
