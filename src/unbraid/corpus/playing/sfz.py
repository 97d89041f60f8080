"""SFZ instruments, played by sfizz."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part
from unbraid.corpus.playing.percussion import PIECES
from unbraid.errors import CorpusError

BLOCK = 256
QUALITY = 2  # of 10: Hermite interpolation; 59 dB above its difference to the best, for a quarter of the time
CHANCE = 20  # the controller, unused by the instruments, that stands for chance


@dataclass(frozen=True)
class SfzInstrument:
    """An SFZ file; notes outside `low..high` are moved by octaves."""

    path: Path
    low: int
    high: int

    @property
    def name(self) -> str:
        """The name of the SFZ file."""
        return f"sfz:{self.path.stem}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return self.name

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`."""
        return _play(_synth(self.path), part.within(self.low, self.high), samples)


@dataclass(frozen=True)
class SfzKit:
    """A drum kit as an SFZ file; `keys` says on which key each piece lies, as `percussion` names them."""

    path: Path
    keys: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """The name of the SFZ file."""
        return f"sfz:{self.path.stem}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return self.name

    def render(self, part: Part, samples: int) -> Audio:
        """Play the pieces that the kit has and return `(2, samples)`."""
        keys = dict(self.keys)
        strokes = [(note, keys[piece]) for note in part.notes if (piece := PIECES.get(note.pitch)) in keys]
        ours = replace(part, notes=[replace(note, pitch=key) for note, key in strokes])
        return _play(_synth(self.path), ours, samples)


def _play(synth: Any, part: Part, samples: int) -> Audio:
    chance = np.random.default_rng([len(part.notes), samples])
    events = sorted(
        [(int(note.start * RATE), 1, note.pitch, note.velocity) for note in part.notes]
        + [(int(note.end * RATE), 0, note.pitch, 0) for note in part.notes]
    )
    sides: list[tuple[Any, Any]] = []
    waiting = 0
    for start in range(0, samples, BLOCK):
        while waiting < len(events) and events[waiting][0] < start + BLOCK:
            at, on, pitch, velocity = events[waiting]
            if on:
                synth.cc(max(at - start, 0), CHANCE, int(chance.integers(128)))
            (synth.note_on if on else synth.note_off)(max(at - start, 0), pitch, velocity)
            waiting += 1
        sides.append(synth.render_block())
    synth.all_sound_off()
    left, right = (np.concatenate(side) for side in zip(*sides, strict=True))
    return np.nan_to_num(np.stack([left, right]).astype(np.float32)[:, :samples])


def _synth(path: Path) -> Any:
    """Return a new sfizz with one instrument: a used one keeps state and would play the same part differently."""
    import pysfizz

    player = pysfizz.Synth(RATE, BLOCK)
    if not path.is_file():
        raise CorpusError(f"The instrument {path} is missing: fetch it again.")
    with tempfile.TemporaryDirectory() as above:
        # Beside and below links to its samples, because an SFZ names them from where it lies.
        folder = Path(above) / path.parent.name
        folder.mkdir()
        for neighbour in path.parent.iterdir():
            (folder / neighbour.name).symlink_to(neighbour.resolve())
        for neighbour in set(path.parent.parent.iterdir()) - {path.parent}:
            (Path(above) / neighbour.name).symlink_to(neighbour.resolve())
        ours = folder / path.name
        ours.unlink()
        ours.write_text(_reproducible(_expanded(path)))
        if not player.load_sfz_file(ours):
            raise CorpusError(f"{path} is not a playable SFZ file: fetch the instrument again.")
    player._synth.set_sample_quality(QUALITY)
    return player._synth


def _expanded(path: Path) -> str:
    """Return the text of an SFZ without comments, with the files that it includes, if present.

    Names that are built from definitions are left to sfizz.
    """

    def included(match: re.Match[str]) -> str:
        if "$" in match[1]:
            return match[0]
        part = path.parent / match[1].replace("\\", "/")
        return read(part) if part.is_file() else ""

    def read(part: Path) -> str:
        return re.sub(r'#include\s+"([^"]+)"', included, re.sub(r"//.*", "", part.read_text(errors="replace")))

    return read(path)


def _reproducible(text: str) -> str:
    """Return the SFZ made reproducible: our random numbers, and all samples in memory before the first note.

    sfizz picks samples by a random number that has no seed, and skips samples that it is still loading.
    """

    def controlled(match: re.Match[str]) -> str:
        edge = round(float(match[2]) * 128)
        return f"locc{CHANCE}={edge}" if match[1] == "lo" else f"hicc{CHANCE}={min(edge - 1, 127)}"

    text = re.sub(r"\b(lo|hi)rand=([\d.]+)", controlled, text)
    text = re.sub(r"\b(?:amp|delay|fil|offset|pitch)_random=\S+", "", text)
    head, header, rest = text.partition("<control>")
    control = "<control>\nhint_ram_based=1\n"
    return head + control + rest if header else control + text
