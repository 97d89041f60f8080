"""Plays a kit piece by piece: maps General MIDI percussion to the pieces of a kit, with hats that choke."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part

# General MIDI percussion, reduced to what most kits have.
PIECES = {
    35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "clap", 40: "snare", 41: "low", 42: "hat", 43: "low",
    44: "hat", 45: "mid", 46: "open", 47: "mid", 48: "high", 49: "crash", 50: "high", 51: "ride", 52: "crash",
    53: "bell", 54: "shaker", 55: "crash", 56: "bell", 57: "crash", 59: "ride", 60: "high", 61: "mid", 62: "high",
    63: "high", 64: "low", 69: "shaker", 70: "shaker", 75: "rim", 76: "rim", 77: "rim", 80: "bell", 81: "bell",
    82: "shaker",
}  # fmt: skip


def strike(part: Part, samples: int, hit: Callable[[str, int], Audio | None]) -> Audio:
    """The part as `(2, samples)`; `hit(piece, velocity)` is one stroke at full level, None if the kit lacks it."""
    out = np.zeros((2, samples), np.float32)
    closed = sorted(note.start for note in part.notes if PIECES.get(note.pitch) == "hat")
    for note in part.notes:
        piece = PIECES.get(note.pitch)
        at = int(note.start * RATE)
        stroke = hit(piece, note.velocity) if piece and at < samples else None
        if stroke is None:
            continue
        if piece == "open":
            later = int(np.searchsorted(closed, note.start + 0.01))
            if later < len(closed):
                stroke = stroke[:, : max(int((closed[later] - note.start) * RATE), 400)].copy()
                fade = min(400, stroke.shape[1])
                stroke[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        room = min(stroke.shape[1], samples - at)
        out[:, at : at + room] += stroke[:, :room] * np.float32((note.velocity / 127) ** 1.5)
    return out
