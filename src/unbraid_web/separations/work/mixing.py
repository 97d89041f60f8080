"""A mix of stems as one stream of sound: faders, another speed, another key, and a click on the beats."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio import stretched
from unbraid.audio.stretching import FRAME_SECONDS, SHORT_FRAME_SECONDS
from unbraid_web.separations.models import Separation, Stem
from unbraid_web.separations.work.segments import Samples, read_segment

UNPITCHED = frozenset({"drums"})  # transposed drums sound like other drums, not like another key
CLICK_SECONDS = 0.05
CLICK_HERTZ = (1000, 1500)  # on a beat, and on the first one of a bar; as in the player's click.js

Faders = list[tuple[Stem, NDArray[np.float32]]]
"""Stems, each with its factors `(1 or 2 channels, 1)`."""


def blocks(separation: Separation, faders: Faders) -> Iterator[Samples]:
    """Yield the sum of the stems `(channels, n)`, each with its factors, a segment at a time."""
    for number in range(separation.segments):
        parts = [read_segment(stem, number) * factors for stem, factors in faders]
        yield np.sum(parts, axis=0, dtype=np.float32)


def balance(gain: float, pan: float) -> NDArray[np.float32]:
    """Return the factors `(2, 1)` of the left and the right channel."""
    return np.array([[gain * min(1.0, 1.0 - pan)], [gain * min(1.0, 1.0 + pan)]], np.float32)


def frames_of(separation: Separation, recipe: dict[str, Any]) -> int:
    """Return how many samples the mix has."""
    return round(separation.frames / float(recipe.get("speed", 1.0)))


def mixed(separation: Separation, recipe: dict[str, Any]) -> Iterator[Samples]:
    """Yield the mix `(2, n)` that a recipe names."""
    speed, semitones = recipe.get("speed", 1.0), recipe.get("semitones", 0)
    faders = [
        (stem, balance(*recipe["stems"][stem.name])) for stem in separation.stems.all() if stem.name in recipe["stems"]
    ]
    if speed == 1 and not semitones:
        sound = blocks(separation, faders)
    else:
        pitched = [fader for fader in faders if fader[0].name not in UNPITCHED]
        unpitched = [fader for fader in faders if fader[0].name in UNPITCHED]
        rate, frames = separation.sample_rate, separation.frames
        parts = [
            stretched(
                blocks(separation, part), rate, 2,
                frames=frames, speed=speed, semitones=transposed, frame_seconds=frame_seconds,
            )
            for part, transposed, frame_seconds in (
                (pitched, semitones, FRAME_SECONDS),
                (unpitched, 0, SHORT_FRAME_SECONDS),
            )
            if part
        ]  # fmt: skip
        sound = added(parts)
    if "click" in recipe and separation.analysis:
        sound = clicked(sound, separation.analysis, separation.sample_rate, speed, recipe["click"])
    return sound


def added(streams: list[Iterator[Samples]]) -> Iterator[Samples]:
    """Yield the sum of streams of one length, whose blocks have different ones."""
    nothing = np.zeros((2, 0), np.float32)
    held = [nothing for _ in streams]
    while True:
        held = [part if part.shape[1] else next(stream, nothing) for stream, part in zip(streams, held, strict=True)]
        length = min(part.shape[1] for part in held)
        if not length:
            return
        yield np.sum([part[:, :length] for part in held], axis=0, dtype=np.float32)
        held = [part[:, length:] for part in held]


def clicked(
    sound: Iterable[Samples], analysis: dict[str, Any], rate: int, speed: float, volume: float
) -> Iterator[Samples]:
    """Yield the sound with a click on each beat."""
    first = set(analysis["downbeats"])
    clicks = [click_of(rate, accented) * np.float32(volume) for accented in (False, True)]
    beats = [(int(np.ceil(round(beat * rate) / speed)), clicks[beat in first]) for beat in analysis["beats"]]
    start = 0
    for block in sound:
        block = block.copy()
        end = start + block.shape[1]
        for at, click in beats:
            if at < end and at + click.size > start:
                part = slice(max(at, start), min(at + click.size, end))
                block[:, part.start - start : part.stop - start] += click[part.start - at : part.stop - at]
        yield block
        start = end


def click_of(rate: int, accented: bool) -> NDArray[np.float32]:
    """Return the sound of one click."""
    at = np.arange(round(CLICK_SECONDS * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * CLICK_HERTZ[accented] * at) * (1 - at / CLICK_SECONDS) ** 4
    return wave.astype(np.float32)
