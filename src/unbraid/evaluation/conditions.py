"""Degrades songs as recordings are in practice: mono, lost channels, narrow bands, codecs, noise, rooms.

A condition takes the stems of a song and returns the song to be separated, with the references of a perfect
separation. The recording chain is applied to the references too, as far as stems can share it:

    stems ──chain──▶ references ──sum──▶ + noise ──codec──▶ mixture

"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from unbraid.audio import read

Audio = NDArray[np.float32]
Stems = Mapping[str, Audio]


@dataclass(frozen=True)
class Recording:
    """A song to be separated, `(channels, samples)`, and its stems as they sound in it."""

    references: Stems
    mixture: Audio
    noise: Audio
    """Noise that no source plays: it belongs in the rest and nowhere else; zeros for most conditions."""


Condition = Callable[[Stems, int], Recording]
"""Stems `(2, samples)` by name, and their sample rate in Hz."""


def _recording(references: Stems, noise: Audio | None = None) -> Recording:
    """Return the sum of the references, with noise if there is some."""
    mixture = np.sum(list(references.values()), axis=0, dtype=np.float32)
    noise = np.zeros_like(mixture) if noise is None else noise.astype(np.float32)
    return Recording(references, mixture + noise, noise)


def _each(change: Callable[[Audio, int], Audio]) -> Condition:
    """Return the condition of a linear change, which does to each stem what it does to their sum."""

    def condition(stems: Stems, rate: int) -> Recording:
        return _recording({name: change(stem, rate) for name, stem in stems.items()})

    return condition


def _with(noise: Callable[[Audio, int], Audio]) -> Condition:
    """Return the condition of a noise, which is made for the sum of the stems."""

    def condition(stems: Stems, rate: int) -> Recording:
        return _recording(stems, noise(_recording(stems).mixture, rate))

    return condition


# --- channels and levels ----------------------------------------------------------------------------------------------


def _matrix(left: tuple[float, float], right: tuple[float, float]) -> Condition:
    """Make each channel of the two that there were: `left` holds the weights of both in the new left one."""
    weights = np.array([left, right], np.float32)
    return _each(lambda audio, rate: weights @ audio)


def _hard_panned(stems: Stems, rate: int) -> Recording:
    """The voice left, the band right, as stereo records were mixed in 1965."""
    placed = {}
    for name, stem in stems.items():
        placed[name] = np.zeros_like(stem)
        placed[name][0 if name == "vocals" else 1] = stem.mean(0)
    return _recording(placed)


def _gain(decibels: float) -> Condition:
    return _each(lambda audio, rate: audio * np.float32(10 ** (decibels / 20)))


def _clipped(stems: Stems, rate: int, *, over: float) -> Recording:
    """Drive the loudest sample so many dB over full scale and clip. The stems of a sample are turned down alike."""
    mixture = _recording(stems).mixture
    driven = mixture * np.float32(10 ** (over / 20) / max(np.abs(mixture).max(initial=0.0), 1e-9))
    gain = np.divide(driven.clip(-1, 1), mixture, out=np.zeros_like(mixture), where=mixture != 0)
    return _recording({name: stem * gain for name, stem in stems.items()})


# --- filters, speed and rooms -----------------------------------------------------------------------------------------


def _band(audio: Audio, rate: int, *, low: float = 0.0, high: float) -> Audio:
    """Keep `low` to `high` Hz, with edges a tenth as wide as their frequency and no shift in time."""
    length = audio.shape[-1]
    hertz = np.fft.rfftfreq(length, 1 / rate)
    gain = np.clip((high - hertz) / (0.1 * high), 0, 1)
    if low:
        gain *= np.clip((hertz - 0.9 * low) / (0.1 * low), 0, 1)
    return np.asarray(np.fft.irfft(np.fft.rfft(audio) * gain, length), np.float32)


def _mono_band(audio: Audio, rate: int, *, high: float) -> Audio:
    return np.repeat(_band(audio, rate, high=high).mean(0, keepdims=True), 2, axis=0)


def _faster(audio: Audio, rate: int, *, by: float) -> Audio:
    """Change pitch and tempo together, as a tape does."""
    return np.ascontiguousarray(soxr.resample(audio.T, 1 + by, 1.0, "HQ").T, np.float32)


def _room(audio: Audio, rate: int) -> Audio:
    """Play it over small loudspeakers in a small room: half a second of echoes, 60 dB softer after 0.4 s."""
    speakers = _band(audio, rate, low=120.0, high=12_000.0)
    seconds = np.arange(rate // 2) / rate
    random = np.random.default_rng(1965)
    echoes = random.normal(0, 1, (2, 2, len(seconds))) * 10 ** (-3 * seconds / 0.4) * (seconds > 0.003)
    echoes /= 2 * np.sqrt(
        np.square(echoes).sum(-1, keepdims=True)
    )  # those of both: 3 dB softer than what comes straight
    echoes[[0, 1], [0, 1], 0] = 1.0
    length = audio.shape[-1]
    size = length + len(seconds)
    heard = np.einsum("ios,is->os", np.fft.rfft(echoes, size), np.fft.rfft(speakers, size))
    return np.asarray(np.fft.irfft(heard, size)[:, :length] / np.sqrt(2), np.float32)


# --- noises -----------------------------------------------------------------------------------------------------------


def _offset(mixture: Audio, rate: int, *, by: float) -> Audio:
    return np.full_like(mixture, by)


def _hum_and_hiss(mixture: Audio, rate: int, *, below: float) -> Audio:
    """The mains at 50 Hz with odd harmonics, and as much white noise, each so many dB below the music."""
    seconds = np.arange(mixture.shape[-1]) / rate
    hum = sum(np.sin(2 * np.pi * 50 * k * seconds) / k**2 for k in (1, 3, 5, 7)) * np.ones((2, 1))
    hiss = np.random.default_rng(50).normal(0, 1, mixture.shape)
    level = _rms(mixture) * 10 ** (-below / 20)
    return ((hum / _rms(hum) + hiss / _rms(hiss)) * level).astype(np.float32)


def _crackle(mixture: Audio, rate: int, *, below: float) -> Audio:
    """Ten clicks a second, most of them soft and each within a millisecond, so many dB below the music in all."""
    random = np.random.default_rng(33)
    length = mixture.shape[-1]
    clicks = np.zeros((2, length))
    for start in random.integers(0, length, 10 * length // rate + 1):
        seconds = np.arange(min(rate // 500, length - start)) / rate
        click = np.exp(-seconds / random.uniform(1e-4, 4e-4)) * random.normal(0, 1, len(seconds))
        clicks[:, start : start + len(seconds)] += random.lognormal(0, 1) * random.normal(0, 1, (2, 1)) * click
    return (clicks * (_rms(mixture) * 10 ** (-below / 20) / _rms(clicks))).astype(np.float32)


def _rms(audio: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.square(audio, dtype=np.float64).mean() + 1e-20))


# --- codecs -----------------------------------------------------------------------------------------------------------


LAME_DELAY = 1105
"""Samples of delay that LAME and a decoder add. A tag states it, but frames of 32 kbit/s have no room for the tag."""


def _mp3(stems: Stems, rate: int, *, kbps: int, coded_rate: int, band: float) -> Recording:
    """Code the sum with LAME at a constant rate; `band`, in Hz, is what it keeps of the frequencies."""
    mixture = _recording(stems).mixture
    sent = soxr.resample(mixture.T, rate, coded_rate).clip(-1, 1)
    lowest, highest = (32, 320) if coded_rate >= 32_000 else (8, 160)  # of MPEG-1 and MPEG-2, in kbit/s
    level = (highest - kbps) / (highest - lowest)
    file = io.BytesIO()
    soundfile.write(
        file, sent, coded_rate, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=level
    )
    file.seek(0)
    decoded, _ = read(file)
    if decoded.shape[1] > len(sent):
        decoded = decoded[:, LAME_DELAY:]
    received = soxr.resample(decoded.T, coded_rate, rate).T[:, : mixture.shape[1]]
    kept = _recording({name: _band(stem, rate, high=band) for name, stem in stems.items()})
    return replace(kept, mixture=np.pad(received, ((0, 0), (0, mixture.shape[1] - received.shape[1]))))


CONDITIONS: dict[str, Condition] = {
    "stereo": _each(lambda audio, rate: audio),
    "mono": _matrix((0.5, 0.5), (0.5, 0.5)),
    "left only": _matrix((1, 0), (0, 0)),
    "one side inverted": _matrix((1, 0), (0, -1)),
    "voice left, band right": _hard_panned,
    "16 kHz": _each(partial(_band, high=8_000.0)),
    "16 kHz, mono": _each(partial(_mono_band, high=8_000.0)),
    "telephone": _each(partial(_band, low=300.0, high=3_400.0)),
    "MP3, 64 kbit/s": partial(_mp3, kbps=64, coded_rate=44_100, band=11_500.0),
    "MP3, 32 kbit/s": partial(_mp3, kbps=32, coded_rate=22_050, band=6_000.0),
    "20 dB softer": _gain(-20),
    "36 dB softer": _gain(-36),
    "48 dB softer": _gain(-48),
    "clipped by 6 dB": partial(_clipped, over=6.0),
    "DC offset of 0.05": _with(partial(_offset, by=0.05)),
    "hum and hiss": _with(partial(_hum_and_hiss, below=40.0)),
    "vinyl crackle": _with(partial(_crackle, below=30.0)),
    "small room": _each(_room),
    "6 % faster": _each(partial(_faster, by=0.06)),
    "6 % slower": _each(partial(_faster, by=-0.06)),
}
"""By name; the first is what the others are compared with."""
