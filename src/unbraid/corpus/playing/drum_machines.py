"""Drum machines: kicks, snares, hats, claps, toms and cymbals made of sines and noise, a new kit for every seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Part
from unbraid.corpus.playing.percussion import strike

Mono = NDArray[np.float64]
PAN = {
    "hat": 0.3,
    "open": 0.3,
    "ride": -0.4,
    "crash": 0.5,
    "low": -0.5,
    "mid": 0.0,
    "high": 0.4,
    "shaker": -0.3,
    "bell": -0.2,
}


@dataclass(frozen=True)
class DrumMachine:
    """A kit drawn from a seed."""

    seed: int

    @property
    def name(self) -> str:
        """The seed, as a name."""
        return f"machine:{self.seed}"

    @property
    def material(self) -> str:
        """Its identifier in the catalogue."""
        return "synthesised"

    def render(self, part: Part, samples: int) -> Audio:
        """Play the part and return `(2, samples)`."""
        kit = _kit(self.seed)
        return strike(part, samples, lambda piece, velocity: kit[piece])


def _noise(rng: np.random.Generator, seconds: float, low: float, high: float) -> Mono:
    """Noise between two frequencies in Hz."""
    samples = int(seconds * RATE)
    spectrum = np.fft.rfft(rng.normal(0, 1, samples))
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    shape = 1 / np.sqrt(1 + (low / np.maximum(hertz, 1)) ** 6) / np.sqrt(1 + (hertz / high) ** 6)
    noise: Mono = np.fft.irfft(spectrum * shape, samples)
    return noise / max(float(np.abs(noise).max()), 1e-9)


def _fall(seconds: float, time_constant: float) -> Mono:
    samples = int(seconds * RATE)
    fall: Mono = np.exp(-np.arange(samples) / RATE / time_constant)
    fall[-200:] *= np.linspace(1, 0, 200)
    return fall


def _swept(seconds: float, start: float, end: float, time_constant: float) -> Mono:
    """A sine whose frequency falls from `start` to `end` Hz."""
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = end + (start - end) * np.exp(-time / time_constant)
    swept: Mono = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    return swept


def _metal(rng: np.random.Generator, seconds: float, base: float) -> Mono:
    """Six square waves out of tune, as the old machines made cymbals."""
    time = np.arange(int(seconds * RATE)) / RATE
    ratios = (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523)
    rung = sum(np.sign(np.sin(2 * np.pi * base * ratio * rng.uniform(0.97, 1.03) * time)) for ratio in ratios)
    spectrum = np.fft.rfft(rung)
    hertz = np.fft.rfftfreq(len(time), 1 / RATE)
    metal: Mono = np.fft.irfft(spectrum / np.sqrt(1 + (rng.uniform(5000, 8000) / np.maximum(hertz, 1)) ** 8), len(time))
    return metal / max(float(np.abs(metal).max()), 1e-9)


@lru_cache(maxsize=4)
def _kit(seed: int) -> dict[str, NDArray[np.float32]]:
    """Each piece as (2, samples)."""
    rng = np.random.default_rng([808, seed])
    u = rng.uniform
    booming = rng.random() < 0.35
    length = u(0.4, 0.6) if booming else u(0.18, 0.45)  # what rings longer is a struck bass to a listener
    kick = _swept(length, u(120, 420), u(38, 62), u(0.012, 0.06)) * _fall(length, length / u(3, 6))
    click = _noise(rng, 0.02, u(500, 3000), 12000) * _fall(0.02, 0.003) * u(0, 0.6)
    kick[: len(click)] += click
    kick = np.tanh(kick * u(1, 4))
    rattle = u(0.1, 0.3)
    snare = _noise(rng, rattle, u(300, 1800), u(7000, 18000)) * _fall(rattle, rattle / u(3, 5)) * u(0.5, 1)
    body = (_swept(rattle, u(220, 400), u(150, 210), 0.02) + 0.6 * _swept(rattle, 400, u(280, 360), 0.02)) * _fall(
        rattle, u(0.03, 0.08)
    )
    snare = np.tanh((snare + body * u(0.2, 0.8)) * u(1, 2.5))
    clap = np.zeros(int(0.3 * RATE))
    for start in (0.0, u(0.008, 0.014), u(0.018, 0.026), u(0.028, 0.036)):
        burst = _noise(rng, 0.25, u(600, 1100), u(3000, 9000)) * _fall(0.25, 0.008 if start < 0.027 else u(0.03, 0.09))
        at = int(start * RATE)
        clap[at : at + len(burst)] += burst
    metallic = rng.random() < 0.5
    base = u(250, 600)

    def cymbal(seconds: float, constant: float, low: float) -> Mono:
        tone = _metal(rng, seconds, base) if metallic else _noise(rng, seconds, low, 18000)
        blend = u(0.0, 0.5)
        return (tone * (1 - blend) + blend * _noise(rng, seconds, low, 17000)) * _fall(seconds, constant)

    pieces: dict[str, Mono] = {
        "kick": kick * 1.0,
        "snare": snare * 0.7,
        "clap": clap * 0.5,
        "rim": (_swept(0.06, 1800, u(1500, 1900), 0.01) + _noise(rng, 0.06, 1500, 9000)) * _fall(0.06, 0.008) * 0.4,
        "hat": cymbal(0.12, u(0.012, 0.04), u(5000, 9000)) * 0.35,
        "open": cymbal(0.7, u(0.1, 0.3), u(4000, 8000)) * 0.35,
        "crash": cymbal(2.0, u(0.4, 0.8), u(2500, 5000)) * 0.5,
        "ride": cymbal(1.2, u(0.2, 0.5), u(4000, 7000)) * 0.3,
        "bell": (_swept(0.4, 562, 560, 0.1) + _swept(0.4, 845, 842, 0.1)) * _fall(0.4, u(0.05, 0.15)) * 0.3,
        "shaker": _noise(rng, 0.1, 5000, 15000) * np.hanning(int(0.1 * RATE)) * 0.25,
    }
    root = u(70, 110)
    for name, ratio in (("low", 1.0), ("mid", 1.4), ("high", 1.9)):
        pieces[name] = _swept(0.5, root * ratio * 1.6, root * ratio, 0.05) * _fall(0.5, u(0.08, 0.2)) * 0.7
    kit = {}
    for name, hit in pieces.items():
        angle = (PAN.get(name, 0.0) * u(0.2, 1.2) + 1) * np.pi / 4
        kit[name] = (np.stack([hit * np.cos(angle), hit * np.sin(angle)]) * 1.2).astype(np.float32)
    return kit
