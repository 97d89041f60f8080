"""SFZ instruments, played by sfizz."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part
from unbraid.errors import CorpusError

BLOCK = 256


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

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`; notes start on blocks of 6 ms, then at their sample within."""
        synth = _synth(self.path)
        events: list[tuple[int, int, int, int]] = []
        for note in part.within(self.low, self.high).notes:
            events.append((int(note.start * RATE), 1, note.pitch, note.velocity))
            events.append((int(note.end * RATE), 0, note.pitch, 0))
        events.sort()
        left: list[Any] = []
        right: list[Any] = []
        waiting = 0
        for start in range(0, samples, BLOCK):
            while waiting < len(events) and events[waiting][0] < start + BLOCK:
                at, on, pitch, velocity = events[waiting]
                (synth.note_on if on else synth.note_off)(max(at - start, 0), pitch, velocity)
                waiting += 1
            a, b = synth.render_block()
            left.append(a)
            right.append(b)
        synth.all_sound_off()
        audio = np.stack([np.concatenate(left), np.concatenate(right)]).astype(np.float32)
        return np.nan_to_num(audio[:, :samples])


@lru_cache(maxsize=8)
def _synth(path: Path) -> Any:
    import pysfizz

    player = pysfizz.Synth(RATE, BLOCK)
    if not path.is_file() or not player.load_sfz_file(path):
        raise CorpusError(f"{path} is missing or not a playable SFZ file: fetch the instrument again.")
    return player._synth
