"""Playing a kit piece by piece: from General MIDI percussion to the pieces that a kit has, with hats that choke."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.notes import Part

# General MIDI percussion, reduced to what most kits have.
PIECES = {
    35: "kick", 36: "kick", 37: "rim", 38: "snare", 40: "snare", 39: "clap", 42: "hat", 44: "hat", 46: "open", 49: "crash",
    57: "crash", 52: "crash", 55: "crash", 51: "ride", 59: "ride", 53: "bell", 56: "bell", 41: "low", 43: "low", 45: "mid",
    47: "mid", 48: "high", 50: "high", 54: "shaker", 69: "shaker", 70: "shaker", 82: "shaker", 60: "high", 61: "mid",
    62: "high", 63: "high", 64: "low", 75: "rim", 76: "rim", 77: "rim", 80: "bell", 81: "bell",
}  # fmt: skip


def strike(part: Part, samples: int, hit: Callable[[str, int], Audio | None]) -> Audio:
    """The part as `(2, samples)`: `hit(piece, velocity)` gives one stroke at full level, or None if the kit lacks it."""
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
