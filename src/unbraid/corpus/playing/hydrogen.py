"""Drum kits of the Hydrogen drum machine: recorded strokes in velocity layers, found by the names of the pieces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from unbraid.corpus.audio_files import Audio, read
from unbraid.corpus.composing.notes import Part
from unbraid.corpus.playing.percussion import strike
from unbraid.errors import CorpusError

# The first rule that fits the lower-case name of an instrument decides its piece.
RULES = (
    ("open", ("open", "op ", " ohh", "semi")),
    ("kick", ("kick", "bass drum", "bassdrum")),
    ("rim", ("stick", "rim", "click")),
    ("clap", ("clap",)),
    ("hat", ("hat", "hh")),
    ("snare", ("snare",)),
    ("low", ("tom low", "floor", "low tom")),
    ("high", ("tom hi", "high tom", "tom 1")),
    ("mid", ("tom",)),
    ("bell", ("bell", "cup")),
    ("crash", ("crash", "china", "splash")),
    ("ride", ("ride", "cymbal")),
    ("shaker", ("shaker", "tambourine", "maraca")),
)


@dataclass(frozen=True)
class HydrogenKit:
    """A kit by its folder; where it holds several pieces of a kind, `choice` picks."""

    folder: Path
    choice: int = 0

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"hydrogen:{self.folder.name}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return self.name

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`."""
        pieces = _pieces(self.folder)

        def hit(piece: str, velocity: int) -> Audio | None:
            kinds = pieces.get(piece)
            if not kinds:
                return None
            layers = kinds[self.choice % len(kinds)]
            loudness = velocity / 127
            path, gain = next(((p, g) for low, high, p, g in layers if low <= loudness <= high), layers[-1][2:])
            return _stroke(path) * np.float32(gain)

        return strike(part, samples, hit)


Layers = list[tuple[float, float, Path, float]]  # softest, loudest (0 to 1), file, gain


@lru_cache(maxsize=16)
def _pieces(kit: Path) -> dict[str, list[Layers]]:
    """All instruments of a kit by piece."""
    if not (kit / "drumkit.xml").is_file():
        raise CorpusError(f"The Hydrogen kit {kit.name} is missing: `unbraid corpus fetch` brings it.")
    root = ElementTree.parse(kit / "drumkit.xml").getroot()
    pieces: dict[str, list[Layers]] = {}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # some kits carry a namespace
    for instrument in root.iter("instrument"):
        name = (instrument.findtext("name") or "").lower() + " "
        piece = next((piece for piece, words in RULES if any(word in name for word in words)), None)
        layers: Layers = []
        for layer in instrument.iter("layer"):
            path = kit / (layer.findtext("filename") or "")
            if path.is_file():
                span = (float(layer.findtext("min") or 0), float(layer.findtext("max") or 1))
                layers.append((*span, path, float(layer.findtext("gain") or 1)))
        path = kit / (instrument.findtext("filename") or "")
        if not layers and path.is_file():
            layers = [(0.0, 1.0, path, 1.0)]
        if piece and layers:
            pieces.setdefault(piece, []).append(sorted(layers, key=lambda layer: layer[0]))
    if not {"kick", "snare", "hat"} <= pieces.keys():
        raise CorpusError(f"The Hydrogen kit {kit.name} lacks a kick, a snare or a hat: choose another.")
    return pieces


@lru_cache(maxsize=128)
def _stroke(path: Path) -> Audio:
    """One stroke as (2, samples), at most 4 s."""
    audio = read(path, 0.0, 4.0)
    return np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio[:2]
