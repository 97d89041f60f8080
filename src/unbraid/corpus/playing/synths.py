"""Synthesisers: wavetables and noise through a moving filter, and FM; basses, leads, plucks, pads, keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part

TABLE = 4096
NOISE = 65536
CUTOFFS = 150 * 2 ** np.arange(0, 7.5, 0.5)  # Hz; a note fades between tables that were filtered at these


@dataclass(frozen=True)
class Synth:
    """A patch. Times in s, frequencies in Hz, detune in cents; `kind` is subtractive, fm or noise.

    The cutoff starts `sweep` octaves above `cutoff` and falls to it with time constant `sweep_decay`.
    """

    kind: str
    wave: str
    voices: int
    detune: float
    sub: float
    cutoff: float
    resonance: float
    sweep: float
    sweep_decay: float
    attack: float
    decay: float
    sustain: float
    release: float
    ratio: float
    index: float
    glide: bool
    drive: float
    width: float
    low: int = 24
    high: int = 96

    @property
    def name(self) -> str:
        """Kind, wave and a few numbers: synthesisers are drawn anew for every song."""
        return f"synth:{self.kind}:{self.wave}:{self.cutoff:.0f}:{self.attack * 1000:.0f}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return "synthesised"

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`."""
        out = np.zeros((2, samples), np.float32)
        for number, note in enumerate(part.within(self.low, self.high).notes):
            at = int(note.start * RATE)
            tone = self._tone(note.pitch, note.end - note.start, number)
            room = min(tone.shape[1], samples - at)
            if room > 0:
                out[:, at : at + room] += tone[:, :room] * np.float32((note.velocity / 127) ** 1.3)
        if self.drive:
            out = np.tanh(out * (1 + self.drive)).astype(np.float32)
        return out

    def _tone(self, pitch: int, held: float, seed: int) -> Audio:
        held = max(held, 0.03)
        time = np.arange(int((held + 4 * self.release) * RATE)) / RATE
        level = np.minimum(time / self.attack, 1.0) * (self.sustain + (1 - self.sustain) * np.exp(-time / self.decay))
        level *= np.exp(-np.maximum(time - held, 0) / self.release)
        level[-64:] *= np.linspace(1, 0, 64)
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        make = {"fm": self._fm, "noise": self._noise}.get(self.kind, self._subtractive)
        rng = np.random.default_rng([seed, pitch])
        tone: Audio = (make(hertz, time, rng) * level).astype(np.float32)
        return tone

    def _fm(self, hertz: float, time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        index = self.index * (0.25 + 0.75 * np.exp(-time / self.sweep_decay)) * min(1.0, 2500 / hertz / self.ratio)
        tone = np.sin(2 * np.pi * hertz * time + index * np.sin(2 * np.pi * hertz * self.ratio * time))
        wobble = 1 + 0.15 * self.width * np.sin(2 * np.pi * 5 * time)
        sides: NDArray[np.float64] = np.stack([tone * wobble, tone * (2 - wobble)]) * 0.3
        return sides

    def _noise(self, hertz: float, time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Wind, risers and sweeps: noise whose filter moves by `sweep` octaves over the note."""
        bank = _noise_tables()
        octaves = np.log2(self.cutoff / CUTOFFS[0]) + self.sweep * time / max(time[-1], 1e-3)
        place = np.clip(octaves * 2, 0, len(CUTOFFS) - 1.001)
        table = place.astype(np.int64)
        share = place - table
        sides = []
        for _ in range(2):
            flat = table * NOISE + (np.arange(len(time)) + int(rng.integers(NOISE))) % NOISE
            sides.append(bank.take(flat) * (1 - share) + bank.take(flat + NOISE) * share)
        both: NDArray[np.float64] = np.stack(sides) * 0.2
        return both

    def _subtractive(self, hertz: float, time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        bank = _tables(self.wave, round(12 * np.log2(hertz / 440)), round(self.resonance, 1))
        octaves = np.log2(self.cutoff / CUTOFFS[0]) + self.sweep * np.exp(-time / self.sweep_decay)
        place = np.clip(octaves * 2, 0, len(CUTOFFS) - 1.001)
        table = place.astype(np.int64)
        share = (place - table).astype(np.float32)
        sides = np.zeros((2, len(time)), np.float32)
        for voice in range(self.voices):
            spread = 0.0 if self.voices == 1 else voice / (self.voices - 1) * 2 - 1
            phase = (hertz * 2 ** (spread * self.detune / 1200) * time + rng.random()) * TABLE
            index = phase.astype(np.int64) & (TABLE - 1)
            flat = table * TABLE + index
            tone = bank.take(flat) * (1 - share) + bank.take(flat + TABLE) * share
            sides[0] += tone * (1 - self.width * spread) / 2
            sides[1] += tone * (1 + self.width * spread) / 2
        if self.sub:
            sides += self.sub * np.sin(np.pi * hertz * time).astype(np.float32)
        scaled: NDArray[np.float64] = sides.astype(np.float64) * (0.3 / self.voices**0.5)
        return scaled


@dataclass(frozen=True)
class Layers:
    """Two patches that play as one."""

    upper: Synth
    lower: Synth

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.upper.name}+{self.lower.name}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return "synthesised"

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`."""
        return self.upper.render(part, samples) + self.lower.render(part, samples)


@lru_cache(maxsize=96)
def _tables(wave: str, semitone: int, resonance: float) -> NDArray[np.float32]:
    """(cutoffs, TABLE): one period of the wave, filtered at each cutoff, nothing above 20 kHz."""
    hertz = 440 * 2 ** (semitone / 12)
    number = np.arange(1, max(2, min(TABLE // 2 - 1, int(20000 / hertz)) + 1))
    if wave == "saw":
        weight = 1 / number
    elif wave == "square":
        weight = (number % 2) / number
    elif wave == "pulse":
        weight = np.abs(np.sin(np.pi * number * 0.22)) / number
    elif wave == "triangle":
        weight = (number % 2) / number**2
    else:  # organ: drawbars
        weight = np.isin(number, (1, 2, 3, 4, 6, 8)) / number**0.6
    bank = np.zeros((len(CUTOFFS), TABLE), np.float32)
    for row, cutoff in enumerate(CUTOFFS):
        ratio = number * hertz / cutoff
        gain = 1 / np.sqrt((1 - ratio**2) ** 2 + (ratio * (1.4 - 1.2 * resonance)) ** 2)
        spectrum = np.zeros(TABLE // 2 + 1, complex)
        spectrum[number] = weight * np.minimum(gain, 6.0) * -0.5j * TABLE
        bank[row] = np.fft.irfft(spectrum)
    return bank


@lru_cache(maxsize=1)
def _noise_tables() -> NDArray[np.float32]:
    """(cutoffs, NOISE): the same noise in bands around each cutoff."""
    spectrum = np.fft.rfft(np.random.default_rng(5).normal(0, 1, NOISE))
    hertz = np.maximum(np.fft.rfftfreq(NOISE, 1 / RATE), 1.0)
    bank = np.zeros((len(CUTOFFS), NOISE), np.float32)
    for row, cutoff in enumerate(CUTOFFS):
        band = np.fft.irfft(spectrum / (1 + (2.5 * np.log2(hertz / cutoff)) ** 4))
        bank[row] = band / band.std()
    return bank


def _patch(rng: np.random.Generator, **fixed: object) -> Synth:
    """A random patch with some of it fixed."""
    drawn: dict[str, object] = {
        "kind": "subtractive", "wave": str(rng.choice(("saw", "saw", "square", "pulse", "triangle"))), "voices": 1,
        "detune": rng.uniform(4, 25), "sub": 0.0, "cutoff": float(2 ** rng.uniform(9, 13)),
        "resonance": rng.uniform(0, 0.9), "sweep": rng.uniform(0, 3),
        "sweep_decay": float(2 ** rng.uniform(-4.5, 0)),
        "attack": 0.004, "decay": rng.uniform(0.1, 1.5), "sustain": rng.uniform(0.3, 1.0),
        "release": rng.uniform(0.03, 0.2), "ratio": float(rng.choice((0.5, 1, 1, 2, 3, 4, 7, 14))),
        "index": rng.uniform(0.5, 6), "glide": False, "drive": float(rng.choice((0, 0, rng.uniform(0.3, 3)))),
        "width": rng.uniform(0, 1),
    }  # fmt: skip
    return Synth(**(drawn | fixed))  # type: ignore[arg-type]


def random_bass(rng: np.random.Generator) -> Synth:
    """Sub, long struck ("808"), acid, detuned or FM bass; one in three is little but its fundamental, below 65 Hz."""
    draw = rng.random()
    if draw < 0.2:
        return _patch(
            rng, kind="subtractive", wave="triangle", cutoff=float(2 ** rng.uniform(6, 9)), sub=0.0, resonance=0.0,
            glide=bool(rng.random() < 0.4), low=23, high=36,
        )  # fmt: skip
    if draw < 0.35:
        return _patch(
            rng, wave="triangle", cutoff=float(2 ** rng.uniform(6, 8)), sub=0.0, resonance=0.0, low=23, high=36,
            sweep=rng.uniform(1, 4), sweep_decay=rng.uniform(0.01, 0.06), sustain=rng.uniform(0, 0.4),
            decay=rng.uniform(0.5, 2), release=rng.uniform(0.1, 0.4), drive=float(rng.choice((0, rng.uniform(0.5, 4)))),
        )  # fmt: skip
    kind = str(rng.choice(("subtractive", "subtractive", "subtractive", "fm")))
    return _patch(
        rng, kind=kind, cutoff=float(2 ** rng.uniform(6.8, 10.5)), sub=float(rng.choice((0, rng.uniform(0.2, 1.5)))),
        voices=int(rng.choice((1, 1, 2, 3))), ratio=float(rng.choice((0.5, 1, 2))), index=rng.uniform(0.3, 3),
        width=float(rng.choice((0, 0, 0.4))), low=24, high=55,
    )  # fmt: skip


def random_lead(rng: np.random.Generator) -> Synth:
    """A lead: bright, one to five voices."""
    return _patch(rng, cutoff=float(2 ** rng.uniform(10, 14.2)), voices=int(rng.choice((1, 2, 3, 5))), low=48, high=98)


def random_pluck(rng: np.random.Generator) -> Synth:
    """A short tone for arpeggios and stabs."""
    return _patch(
        rng, kind=str(rng.choice(("subtractive", "subtractive", "fm"))), sustain=rng.uniform(0, 0.2),
        decay=rng.uniform(0.06, 0.5), voices=int(rng.choice((1, 2, 3))), release=rng.uniform(0.05, 0.5),
        sweep=rng.uniform(1, 4),
    )  # fmt: skip


def random_pad(rng: np.random.Generator) -> Synth:
    """A slow, wide sound of many detuned voices."""
    return _patch(
        rng, wave=str(rng.choice(("saw", "saw", "pulse", "organ"))), voices=int(rng.choice((3, 4, 5))), drive=0.0,
        attack=rng.uniform(0.05, 0.8), sustain=1.0, release=rng.uniform(0.15, 0.8),
        sweep=rng.uniform(-1, 1),
        cutoff=float(2 ** rng.uniform(9, 14.2)), low=30, width=rng.uniform(0.5, 1),
    )  # fmt: skip


def random_electric_piano(rng: np.random.Generator) -> Synth:
    """An FM electric piano: a bell on a mellow body."""
    return _patch(
        rng, kind="fm", ratio=float(rng.choice((1, 1, 14))), index=rng.uniform(0.4, 2), sustain=0.0,
        decay=rng.uniform(0.8, 2.5), sweep_decay=rng.uniform(0.1, 0.8), release=0.08, drive=0.0,
        low=33, high=96,
    )  # fmt: skip


def random_atmosphere(rng: np.random.Generator) -> Synth:
    """Wind, sea, a crowd far away: noise that stays, in a wide band."""
    return _patch(
        rng, kind="noise", cutoff=float(2 ** rng.uniform(8, 13.5)), sweep=rng.uniform(-0.7, 0.7),
        attack=rng.uniform(0.3, 3), decay=2.0, sustain=1.0, release=rng.uniform(0.2, 0.6), drive=0.0,
    )  # fmt: skip


def random_sweep(rng: np.random.Generator) -> Synth:
    """Noise that rises or falls."""
    return _patch(
        rng, kind="noise", cutoff=float(2 ** rng.uniform(8, 12)), sweep=rng.uniform(-3, 4),
        attack=rng.uniform(0.05, 3), decay=2.0, sustain=1.0, release=rng.uniform(0.05, 0.6), drive=0.0,
    )  # fmt: skip
