"""What a mixing engineer does to a single stem before the sum: levels, place, room; the training adds its own on top."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio


def loudness(stem: Audio) -> float:
    """Level of the sounding parts of `(channels, samples)` in dB: RMS over the 50 ms windows within 30 dB of the loudest."""
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
    """One channel `(samples,)` or `(1, samples)` into two with constant power; `position` from -1 (left) to 1 (right)."""
    signal = mono.reshape(-1)
    angle = (position + 1) * np.pi / 4
    return np.stack([signal * np.cos(angle), signal * np.sin(angle)]).astype(np.float32) * np.float32(2**0.5)


def effects(stem: Audio, *plugins: object) -> Audio:
    """Run pedalboard plugins over `(channels, samples)`."""
    import pedalboard

    return np.asarray(pedalboard.Pedalboard(list(plugins))(np.ascontiguousarray(stem), RATE), dtype=np.float32)  # type: ignore[arg-type]


def room(rng: np.random.Generator, stem: Audio, amount: float | None = None) -> Audio:
    """The stem `(2, samples)` in a random room; `amount` is the wet level."""
    import pedalboard

    wet = float(rng.uniform(0.02, 0.22)) if amount is None else amount
    reverb = pedalboard.Reverb(
        room_size=float(rng.uniform(0.1, 0.85)),
        damping=float(rng.uniform(0.2, 0.9)),
        wet_level=wet,
        dry_level=1.0 - wet / 2,
        width=float(rng.uniform(0.5, 1.0)),
    )
    return effects(stem, reverb)


def balance(stems: Mapping[str, Audio], peak: float = 0.92) -> dict[str, Audio]:
    """All stems scaled alike so that their sum peaks at `peak`, and no single stem above it either."""
    total = np.sum([np.broadcast_to(s, (2, s.shape[1])) for s in stems.values()], axis=0)
    highest = max(float(np.abs(total).max()), *(float(np.abs(s).max()) for s in stems.values()), 1e-6)
    return {source: stem * np.float32(peak / highest) for source, stem in stems.items()}
