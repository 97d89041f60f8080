"""A mix of stems as one stream of sound: faders, another speed, another key, a click on the beats, and a count-in."""

from collections.abc import Iterable, Iterator
from itertools import chain
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.audio import stretched
from unbraid.audio.stretching import FRAME_SECONDS, SHORT_FRAME_SECONDS
from unbraid_web.separations.models import Separation, Stem
from unbraid_web.separations.work.segments import Samples, read_segment

UNPITCHED = frozenset({"drums"})  # transposed drums sound like other drums, not like another key
SILENT_BLOCK = 1 << 18
CLICK_SECONDS = 0.05
CLICK_HERTZ = (1000, 1500)  # on a beat, and on the first one of a bar; as in the player's click.js
USUAL_BAR = 4  # beats, where no bars are known; this and the next as in the player's beats.js
CLOSE = 0.02  # of a beat: as good as on it

Faders = list[tuple[Stem, NDArray[np.float32]]]
"""Stems, each with its factors `(1 or 2 channels, 1)`."""
Clicks = list[tuple[int, Samples]]
"""The sample at which each begins, and its sound `(n,)`."""


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
    return lead_of(separation, recipe) + round(separation.frames / float(recipe.get("speed", 1.0)))


def mixed(separation: Separation, recipe: dict[str, Any]) -> Iterator[Samples]:
    """Yield the mix `(2, n)` that a recipe names."""
    speed, semitones = recipe.get("speed", 1.0), recipe.get("semitones", 0)
    faders = [
        (stem, balance(*recipe["stems"][stem.name])) for stem in separation.stems.all() if stem.name in recipe["stems"]
    ]
    if not faders:
        sound = silence(round(separation.frames / speed))
    elif speed == 1 and not semitones:
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
    lead = lead_of(separation, recipe)
    clicks = clicks_of(separation, recipe, lead)
    return clicked(chain(silence(lead), sound), clicks) if clicks else sound


def silence(frames: int) -> Iterator[Samples]:
    """Yield that many samples of silence."""
    for start in range(0, frames, SILENT_BLOCK):
        yield np.zeros((2, min(SILENT_BLOCK, frames - start)), np.float32)


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


def lead_of(separation: Separation, recipe: dict[str, Any]) -> int:
    """Return how many samples of the mix come before the song: a bar, if it is counted in."""
    if "count_in" not in recipe or not separation.analysis:
        return 0
    begins, _ = count_in(separation.analysis)
    return round(-begins * separation.sample_rate / float(recipe.get("speed", 1.0)))


def clicks_of(separation: Separation, recipe: dict[str, Any], lead: int) -> Clicks:
    """Return the clicks of a mix whose song begins at its sample `lead`."""
    analysis, rate, speed = separation.analysis, separation.sample_rate, recipe.get("speed", 1.0)
    if not analysis:
        return []
    firsts = set(analysis["downbeats"])
    beats = [("count_in", *beat) for beat in count_in(analysis)[1]] if "count_in" in recipe else []
    beats += [("click", beat, beat in firsts) for beat in analysis["beats"]] if "click" in recipe else []
    sounds = [click_of(rate, accented) for accented in (False, True)]
    return [
        (max(0, lead + ceil(round(seconds * rate) / speed)), sounds[accented] * np.float32(recipe[name]))
        for name, seconds, accented in beats
    ]


def count_in(analysis: dict[str, Any]) -> tuple[float, list[tuple[float, bool]]]:
    """Return the bar that ends where the song begins: where it begins, and its beats, which may begin a bar.

    All are in seconds of the song, so most are negative. The beats go on backwards as the song's first two are apart.
    """
    beats = analysis["beats"]
    beat = beats[1] - beats[0]
    firsts = [beats.index(downbeat) for downbeat in analysis["downbeats"][:1]]
    length, anchor = beats_in_bar(analysis), firsts[0] if firsts else 0
    start = -beats[0] / beat  # of the song, in beats from its first one
    if abs(start - round(start)) < CLOSE:
        start = round(start)
    numbers = range(ceil(start - length), ceil(start))
    counted = [(beats[0] + number * beat, (number - anchor) % length == 0) for number in numbers]
    return beats[0] + (start - length) * beat, counted


def beats_in_bar(analysis: dict[str, Any]) -> int:
    """Return how many beats the song's first bar has; four, where no bars are known."""
    firsts = [analysis["beats"].index(downbeat) for downbeat in analysis["downbeats"][:2]]
    return firsts[1] - firsts[0] if len(firsts) > 1 else USUAL_BAR


def clicked(sound: Iterable[Samples], clicks: Clicks) -> Iterator[Samples]:
    """Yield the sound with the clicks in it."""
    start = 0
    for block in sound:
        block = block.copy()
        end = start + block.shape[1]
        for at, click in clicks:
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
