"""Finds the key: the one of 24 whose scale, with a weight for each note, fits the song best."""

import numpy as np

from unbraid.analysis.features import STEPS, Signal

# How much each semitone above the tonic sounds: the notes of the scale, most of all those of the tonic's chord.
PROFILES = {
    "major": np.array([1.0, 0.0, 0.5, 0.0, 0.8, 0.6, 0.0, 0.9, 0.0, 0.6, 0.0, 0.5]),
    "minor": np.array([1.0, 0.0, 0.5, 0.8, 0.0, 0.6, 0.0, 0.9, 0.6, 0.0, 0.6, 0.2]),
}
NAMES = {
    "major": ("C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"),
    "minor": ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"),
}
FEWEST_SEMITONES = 3  # that sound at a tenth of the strongest: a tone, or two, are no key
SHORTEST_SECONDS, SMALLEST_PART = 2.0, 0.05  # of the song, in which something with a pitch must sound
CLEAR = 0.4
"""How well the best key must fit (correlation): songs have 0.5 to 0.95, noise has 0.2."""


def find_key(chroma: Signal, rate: float) -> str | None:
    """Return the key, such as "A minor", from `(frames, STEPS)` at `rate` frames a second; None if there is none."""
    if chroma.any(axis=1).sum() < max(SHORTEST_SECONDS * rate, SMALLEST_PART * len(chroma)):
        return None
    found = semitones(chroma)
    if (found > 0.1 * found.max()).sum() < FEWEST_SEMITONES:
        return None
    keys = [(tonic, mode) for mode in PROFILES for tonic in range(12)]
    evened = np.sqrt(found)  # which notes there are says more than how loud they are
    fits = [float(np.corrcoef(evened, np.roll(PROFILES[mode], tonic))[0, 1]) for tonic, mode in keys]
    if max(fits) < CLEAR:
        return None
    tonic, mode = keys[int(np.argmax(fits))]
    return f"{NAMES[mode][tonic]} {mode}"


def semitones(chroma: Signal) -> Signal:
    """Return how strongly each of the twelve semitones sounds in the song, in its own tuning."""
    if not chroma.any():
        return np.zeros(12, np.float32)
    strength = np.linalg.norm(chroma, axis=1, keepdims=True)
    steps = (chroma / (strength + 0.1 * strength.mean())).sum(axis=0)  # soft chords count as well
    each = STEPS // 12
    turns = np.angle((steps * np.exp(2j * np.pi * np.arange(STEPS) / each)).sum()) / (2 * np.pi)
    in_tune = np.roll(steps, each // 2 - round(turns * each))
    return np.asarray(in_tune.reshape(12, each).sum(axis=1), np.float32)
