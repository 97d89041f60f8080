"""Effects that make a dry part sound like a record: width, echoes in time, a guitar amplifier, ducking by the kick."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, Audio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pedalboard import Plugin


def effects(stem: Audio, *plugins: Plugin) -> Audio:
    """Run pedalboard plugins over `(channels, samples)`."""
    from pedalboard._pedalboard import Pedalboard  # what `pedalboard` itself re-exports, untyped

    return np.asarray(Pedalboard(list(plugins))(np.ascontiguousarray(stem), RATE), dtype=np.float32)


def widened(rng: np.random.Generator, audio: Audio, least: float = 0.2, most: float = 0.9) -> Audio:
    """Return `(2, samples)` spread by a delayed copy of the middle, added on the left and subtracted on the right.

    The sum of both channels is unchanged, and the copy has no lows, as on records for voices, guitars and pads.
    """
    from pedalboard import HighpassFilter

    late = shifted(audio.mean(axis=0, keepdims=True), rng.uniform(0.006, 0.028))
    copy = effects(late, HighpassFilter(rng.uniform(120, 400)))[0] * np.float32(rng.uniform(least, most))
    return np.stack([audio[0] + copy, audio[1] - copy])


def excited(rng: np.random.Generator, audio: Audio) -> Audio:
    """Return `(channels, samples)` with added overtones of its upper half, and with its highs lifted: an exciter."""
    from pedalboard import Distortion, HighpassFilter, HighShelfFilter

    above = rng.uniform(2000, 5000)
    overtones = effects(audio, HighpassFilter(above), Distortion(rng.uniform(15, 35)), HighpassFilter(above))
    gain = 10 ** (rng.uniform(-24, -10) / 20) * float(audio.std()) / max(float(overtones.std()), 1e-6)
    lifted = overtones * np.float32(min(gain, 4.0))
    return effects(audio + lifted, HighShelfFilter(rng.uniform(4000, 9000), rng.uniform(0, 9)))


def shifted(audio: Audio, seconds: float) -> Audio:
    """Return the audio `(channels, samples)` delayed by that many seconds, of the same length."""
    by = min(int(seconds * RATE), audio.shape[1])
    return np.pad(audio, ((0, 0), (by, 0)))[:, : audio.shape[1]]


def echoed(rng: np.random.Generator, audio: Audio, beat: float, throws: bool = False) -> Audio:
    """`(2, samples)` with echoes a note apart, from side to side; `throws`: only now and then, after some bars."""
    apart = beat * float(rng.choice((0.5, 0.75, 1.0, 1.5)))
    sent = audio
    if throws:
        bars = (rng.random(int(audio.shape[1] / RATE / beat / 4) + 2) < 0.2).astype(np.float32)
        sent = audio * bars[(np.arange(audio.shape[1]) / (4 * beat * RATE)).astype(int)]
    loudness, out = rng.uniform(0.25, 0.5), audio.copy()
    crossing = sent.mean(axis=0)
    for number in range(1, 5):
        side = shifted(crossing[None], number * apart)[0] * np.float32(loudness**number)
        out[number % 2] += side
        out[1 - number % 2] += side * np.float32(0.25)
    return out


def pumped(rng: np.random.Generator, audio: Audio, kicks: Sequence[float], beat: float) -> Audio:
    """`(2, samples)` that ducks at each of the kicks (in s) and comes back within a beat, as dance music does."""
    depth, back = rng.uniform(0.4, 0.95), beat * rng.uniform(0.12, 0.35)
    since: NDArray[np.float64] = np.full(audio.shape[1], np.inf)
    for kick in sorted(kicks):
        at = int(kick * RATE)
        if 0 <= at < len(since):
            since[at:] = np.arange(len(since) - at)
    gain = 1 - depth * np.exp(-since / RATE / back)
    attack = int(0.004 * RATE)  # a step would click
    gain = np.convolve(gain, np.ones(attack) / attack, mode="same")
    return audio * gain.astype(np.float32)


def amplifier(rng: np.random.Generator) -> list[Plugin]:
    """A guitar amplifier: lows kept out, two stages of saturation, and a loudspeaker that ends at 4 to 6 kHz."""
    from pedalboard import Distortion, HighpassFilter, LowpassFilter, PeakFilter

    cone = rng.uniform(3800, 6200)
    return [
        HighpassFilter(rng.uniform(80, 160)),
        PeakFilter(rng.uniform(600, 1600), rng.uniform(2, 9), 0.7),
        Distortion(rng.uniform(6, 24)),
        HighpassFilter(rng.uniform(60, 120)),
        Distortion(rng.uniform(3, 16)),
        PeakFilter(rng.uniform(350, 600), rng.uniform(-6, 1), 0.9),
        PeakFilter(rng.uniform(2200, 3400), rng.uniform(1, 6), 1.2),
        LowpassFilter(cone),
        LowpassFilter(cone * 1.1),
        LowpassFilter(cone * 1.2),
    ]
