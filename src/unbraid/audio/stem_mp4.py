"""Stems for DJs: one file with the song and four stems of it, in the Stems format of Native Instruments.

It is an M4A with five tracks. Players that do not support stems play the first, the song. A box names the others,
gives them colours, and sets a deck's compressor and limiter (here, off).
"""

import json
from collections.abc import Mapping

import numpy as np

from unbraid.audio.types import Audio

ENDING = ".stem.mp4"
# The format has room for four: the name and the colour of each, and the stem in it. The melody is all the others.
PARTS = (
    ("Drums", "#E5484D", "drums"),
    ("Bass", "#F5A524", "bass"),
    ("Melody", "#30A46C", None),
    ("Vocals", "#3E8FF2", "vocals"),
)
OWN_TRACKS = tuple(stem for *_, stem in PARTS if stem)
PLACE = (b"udta",)  # of the box, in `moov`
NEUTRAL = {
    "compressor": {
        "enabled": False, "ratio": 1, "threshold": 0, "attack": 0.003, "release": 0.3, "input_gain": 0,
        "output_gain": 0, "hp_cutoff": 20, "dry_wet": 0,
    },
    "limiter": {"enabled": False, "threshold": 0, "ceiling": 0, "release": 0.05},
}  # fmt: skip


def tracks_of(stems: Mapping[str, Audio]) -> Audio:
    """Return the tracks `(5 · channels, n)`, the song and then its parts; see `PARTS`.

    Args:
        stems: All stems of the song, `(channels, n)` each. One that is missing is silent.
    """
    silence = np.zeros_like(next(iter(stems.values())))
    melody = sum((sound for stem, sound in stems.items() if stem not in OWN_TRACKS), silence)
    parts = [stems.get(stem, silence) if stem else melody for *_, stem in PARTS]
    return np.concatenate([np.sum(parts, axis=0), *parts])


def description() -> bytes:
    """Return the content of the box `stem`."""
    stems = [{"name": name, "color": colour} for name, colour, _ in PARTS]
    return json.dumps({"version": 1, "mastering_dsp": NEUTRAL, "stems": stems}).encode()
