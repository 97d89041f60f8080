"""Mixes like an engineer before summing the stems: levels, panning, room, amplifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part
from unbraid.corpus.production.effects import amplifier, effects, excited, widened

if TYPE_CHECKING:
    from pedalboard import Plugin

# How often an instrument is spread over the stereo picture: basses stay in the middle.
WIDE = {"bass": 0.0, "drums": 0.25, "piano": 0.25, "other": 0.4}


def loudness(stem: Audio) -> float:
    """Level of `(channels, samples)` in dB: RMS over the 50 ms windows within 30 dB of the loudest."""
    window = RATE // 20
    usable = stem[:, : stem.shape[1] // window * window]
    if usable.size == 0:
        return -120.0
    power = (usable.reshape(stem.shape[0], -1, window) ** 2).mean(axis=(0, 2))
    loud = power[power > power.max() * 1e-3]
    return float(10 * np.log10(loud.mean() + 1e-12)) if loud.size else -120.0


def at_level(stem: Audio, decibels: float) -> Audio:
    """The stem at a loudness in dB; silence stays silence."""
    present = loudness(stem)
    return stem if present < -90 else (stem * np.float32(10 ** ((decibels - present) / 20)))


def pan(mono: Audio, position: float) -> Audio:
    """Mono `(samples,)` or `(1, samples)` into two channels, constant power; `position` is -1 left, 1 right."""
    signal = mono.reshape(-1)
    angle = (position + 1) * np.pi / 4
    return np.stack([signal * np.cos(angle), signal * np.sin(angle)]).astype(np.float32) * np.float32(2**0.5)


def room(rng: np.random.Generator, stem: Audio, amount: float | None = None) -> Audio:
    """The stem `(2, samples)` in a random room; `amount` is the wet level."""
    import pedalboard

    wet = rng.uniform(0.02, 0.22) if amount is None else amount
    reverb = pedalboard.Reverb(
        room_size=rng.uniform(0.1, 0.85),
        damping=rng.uniform(0.2, 0.9),
        wet_level=wet,
        dry_level=1.0 - wet / 2,
        width=rng.uniform(0.5, 1.0),
    )
    return effects(stem, reverb)


def match_record_tonality(rng: np.random.Generator, stems: Mapping[str, Audio]) -> dict[str, Audio]:
    """Return the stems of a song `(2, samples)`, most of them made deeper, brighter or wider, like those of records.

    `benchmarks/likeness.py` measures the difference from records. Only one is made deeper, the bass or the drums, and
    the other often gives way, as producers reserve the lowest octave for one of the two.
    """
    deep, thin = [("bass", "drums"), ("drums", "bass"), ("", "")][rng.choice(3, p=[0.5, 0.25, 0.25])]
    thin = thin if deep in stems and rng.random() < 0.5 else ""
    return {source: _match(rng, source, stem, source == deep, source == thin) for source, stem in stems.items()}


def _match(rng: np.random.Generator, source: str, stem: Audio, deep: bool, thin: bool) -> Audio:
    from pedalboard import LowShelfFilter

    if deep or thin:
        gain = rng.uniform(3, 12) if deep else rng.uniform(-9, -3)
        return effects(stem, LowShelfFilter(rng.uniform(45, 75), gain))
    if source == "other" and rng.random() < 0.6:
        stem = excited(rng, stem)
    if source in ("other", "vocals") and rng.random() < 0.5:
        stem = widened(rng, stem, 0.3, 1.1)
    return stem


def balance(stems: Mapping[str, Audio], peak: float = 0.92) -> dict[str, Audio]:
    """Scale all stems alike so that neither their sum nor any single stem peaks above `peak`."""
    total = np.sum([np.broadcast_to(s, (2, s.shape[1])) for s in stems.values()], axis=0)
    highest = max(float(np.abs(total).max()), *(float(np.abs(s).max()) for s in stems.values()), 1e-6)
    return {source: stem * np.float32(peak / highest) for source, stem in stems.items()}


def instrument_chain(rng: np.random.Generator, source: str, part: Part, audio: Audio) -> Audio:
    """Process one instrument `(2, samples)` before it joins its source: amplifier, panning, compression, room."""
    import pedalboard

    if source == "bass":
        audio, chain = np.repeat(audio.mean(axis=0, keepdims=True), 2, axis=0), _bass_chain(rng)
    elif source == "drums":
        chain = _drum_chain(rng)
    else:
        audio, chain = (
            _placed(rng, audio),
            _other_chain(rng, source == "other" and 24 <= part.program < 32, part.program),
        )
    if rng.random() < 0.5:
        chain.append(pedalboard.PeakFilter(2 ** rng.uniform(7.5, 12.5), rng.uniform(-5, 5), 0.8))
    if chain:
        audio = effects(at_level(audio, -20), *chain)
    if rng.random() < WIDE[source]:
        audio = widened(rng, audio)
    if rng.random() < (0.2 if source == "bass" else 0.65):
        audio = room(rng, audio, rng.uniform(0.01, 0.12) if source in ("bass", "drums") else None)
    return audio


def _bass_chain(rng: np.random.Generator) -> list[Plugin]:
    from pedalboard import Compressor, Distortion, LowpassFilter

    chain: list[Plugin] = []
    if rng.random() < 0.5:
        chain.append(Compressor(-30, rng.uniform(2, 6), rng.uniform(3, 25), 120))
    if rng.random() < 0.25:
        chain += [Distortion(rng.uniform(2, 14)), LowpassFilter(rng.uniform(2500, 7000))]
    return chain


def _drum_chain(rng: np.random.Generator) -> list[Plugin]:
    from pedalboard import Compressor, Distortion, LowShelfFilter

    chain: list[Plugin] = []
    if rng.random() < 0.4:
        chain.append(LowShelfFilter(rng.uniform(60, 95), rng.uniform(0, 9)))
    if rng.random() < 0.5:
        chain.append(Compressor(rng.uniform(-28, -15), rng.uniform(2, 6), rng.uniform(2, 25), rng.uniform(60, 200)))
    if rng.random() < 0.35:
        chain.append(Distortion(rng.uniform(1, 9)))
    return chain


def _other_chain(rng: np.random.Generator, guitar: bool, program: int) -> list[Plugin]:
    """A guitar amplifier for guitars that need one; sometimes chorus and echo."""
    from pedalboard import Chorus, Delay, HighShelfFilter

    chain: list[Plugin] = []
    if guitar and (program >= 29 or rng.random() < 0.2):
        chain += amplifier(rng)
    elif rng.random() < 0.35:
        chain.append(HighShelfFilter(rng.uniform(3000, 9000), rng.uniform(0, 9)))
    if rng.random() < 0.2:
        chain.append(Chorus(rng.uniform(0.3, 2), 0.25, rng.uniform(5, 12), 0.0, 0.4))
    if rng.random() < 0.12:
        chain.append(Delay(rng.uniform(0.15, 0.5), 0.3, 0.25))
    return chain


def _placed(rng: np.random.Generator, audio: Audio) -> Audio:
    """Half of the time unchanged, else panned to a side, as one point or with its width."""
    if rng.random() < 0.5:
        return audio
    position = rng.uniform(-0.8, 0.8)
    if rng.random() < 0.4:
        return pan(audio.mean(axis=0), position)
    return audio * np.array([[min(1, 1 - position)], [min(1, 1 + position)]], np.float32)
