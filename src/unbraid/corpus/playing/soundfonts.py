"""Soundfont instruments, played by FluidSynth without its own reverb and chorus."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part
from unbraid.errors import CorpusError

BLOCK = 64  # FluidSynth's own buffer: events land on its borders anyway


@dataclass(frozen=True)
class SoundFontProgram:
    """A program (bank 128: a drum kit) of a soundfont file."""

    file: Path
    bank: int
    program: int

    @property
    def name(self) -> str:
        """File, bank and program."""
        return f"{self.file.stem}:{self.bank}:{self.program}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return f"soundfont:{self.file.stem}"

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`."""
        synth, loaded = _synth(self.file)
        if synth.program_select(0, loaded, self.bank, self.program) != 0:
            raise CorpusError(f"{self.file.name} has no program {self.program} in bank {self.bank}: choose another.")
        events: list[tuple[int, int, int, int]] = []  # sample, order (off, bend, on), value, velocity
        for note in part.notes:
            events.append((int(note.start * RATE), 2, note.pitch, note.velocity))
            events.append((int(note.end * RATE), 0, note.pitch, 0))
        events += [(int(time * RATE), 1, value, 0) for time, value in part.bends]
        blocks: list[Audio] = []
        done = 0
        for at, order, value, velocity in sorted(events):
            if at >= samples:
                break
            ahead = (at - done) // BLOCK * BLOCK
            if ahead > 0:
                blocks.append(_samples(synth, ahead))
                done += ahead
            if order == 2:
                synth.noteon(0, value, velocity)
            elif order == 1:
                synth.pitch_bend(0, value)
            else:
                synth.noteoff(0, value)
        blocks.append(_samples(synth, max(samples - done, BLOCK)))
        synth.delete()
        return np.ascontiguousarray(np.concatenate(blocks, axis=1)[:, :samples])


def _samples(synth: Any, count: int) -> Audio:
    """Return the next `(2, count)` samples in floating point: at 16 bits, dither differs from run to run."""
    import fluidsynth

    block = np.zeros((2, count), np.float32)
    left, right = (side.ctypes.data_as(ctypes.c_void_p) for side in block)
    fluidsynth._fl.fluid_synth_write_float(ctypes.c_void_p(synth.synth), count, left, 0, 1, right, 0, 1)
    return block


def _synth(file: Path) -> tuple[Any, int]:
    """Return a new FluidSynth with one soundfont: a used one keeps state and would play the same part differently."""
    try:
        import fluidsynth
    except ImportError as error:
        raise CorpusError(
            "FluidSynth is missing: `apt install libfluidsynth3` and `pip install pyfluidsynth`."
        ) from error
    synth = fluidsynth.Synth(gain=0.35, samplerate=float(RATE))
    for setting in ("synth.reverb.active", "synth.chorus.active"):
        synth.setting(setting, 0)
    synth.setting("synth.dynamic-sample-loading", 1)  # reads only the samples of the program in use
    return synth, synth.sfload(str(file))
