"""Augmentations that make one recording sound like many: speed, panning, level, room, colour, bus limiting.

Every function that takes a random generator gives the same result for the same state of it.
Audio is (channels, samples) float32.
"""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from unbraid.audio.types import Audio


def change_speed(audio: Audio, samples: int) -> Audio:
    """Resample to `samples` samples, pitch and tempo together, as a tape would."""
    length = audio.shape[1]
    if samples == length:
        return audio
    return np.ascontiguousarray(soxr.resample(audio.T, length, samples, "MQ").T)


def pan(audio: Audio, rng: np.random.Generator) -> Audio:
    """Swap the channels half of the time, narrow or pan a little: (1 or 2, samples) to (2, samples)."""
    if audio.shape[0] == 1:
        audio = np.repeat(audio, 2, axis=0)
    if rng.random() < 0.5:
        audio = audio[::-1]
    if rng.random() < 0.5:
        angle = np.pi / 4 + rng.normal(0, 0.18)  # constant-power pan about the centre
        gains = np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]], np.float32)
        audio = audio * np.clip(gains, 0, None).astype(np.float32)
    return np.ascontiguousarray(audio, np.float32)


def cut_lows(audio: Audio, frequency: float, sample_rate: int) -> Audio:
    """Remove everything below `frequency` in Hz (Butterworth, 24 dB an octave)."""
    from scipy.signal import butter, sosfilt

    sections = butter(4, frequency, "highpass", fs=sample_rate, output="sos").astype(np.float32)
    return np.asarray(sosfilt(sections, audio), np.float32)


def widen(audio: Audio, rng: np.random.Generator, sample_rate: int) -> Audio:
    """Spread a source over the stereo image as a doubler does: a delayed copy, with opposite signs left and right.

    The middle (left + right) is unchanged; the delay is 5 to 30 ms, and the copy at most as loud as the source.
    """
    delay = int(rng.uniform(0.005, 0.03) * sample_rate)
    middle = audio.mean(0)
    side = np.zeros_like(middle)
    side[delay:] = middle[:-delay] * np.float32(rng.uniform(0.2, 1.0))
    return np.asarray(audio + np.stack([side, -side]), np.float32)


def add_reverb(audio: Audio, rng: np.random.Generator, sample_rate: int) -> Audio:
    """Put the source into a random room or plate (Freeverb) behind a gentle compressor."""
    from pedalboard import Compressor, Pedalboard, Reverb  # type: ignore[attr-defined]  # re-exported by a star

    effects: list[Any] = []
    if rng.random() < 0.4:
        effects.append(Compressor(threshold_db=float(rng.uniform(-35, -15)), ratio=float(rng.uniform(2, 6))))
    effects.append(
        Reverb(
            room_size=float(rng.uniform(0.1, 0.9)),
            damping=float(rng.uniform(0.1, 0.9)),
            wet_level=float(rng.uniform(0.03, 0.3)),
            dry_level=0.8,
            width=float(rng.uniform(0.5, 1.0)),
        )
    )
    return np.asarray(Pedalboard(effects)(audio, sample_rate), np.float32)


def apply_mp3(audio: Audio, rng: np.random.Generator, sample_rate: int) -> Audio:
    """Send the source through an MP3 encoder and back (LAME, the worse half of its variable rates), without delay.

    Only at the sample rates of MPEG-1, 32, 44.1 and 48 kHz; at others it is unchanged.
    """
    from pedalboard import MP3Compressor, Pedalboard  # type: ignore[attr-defined]  # re-exported by a star

    if sample_rate not in (32_000, 44_100, 48_000):
        return audio
    codec = MP3Compressor(vbr_quality=float(rng.uniform(4, 9.5)))
    return np.asarray(Pedalboard([codec])(audio, sample_rate), np.float32)


def apply_effect(audio: Audio, rng: np.random.Generator, sample_rate: int) -> Audio:
    """Send the source through one of a producer's effects, set at random: filter, drive, echo, chorus or few bits.

    Few songs have known stems, and a network soon knows their sounds by heart, so they never sound the same twice.
    """
    from pedalboard import Bitcrush, Chorus, Delay, Distortion, LadderFilter, Pedalboard  # type: ignore[attr-defined]

    level = _rms(audio)
    if level < 1e-4:
        return audio
    match rng.integers(5):
        case 0:
            low = rng.random() < 0.7
            mode = LadderFilter.Mode.LPF24 if low else LadderFilter.Mode.HPF12
            cutoff = 10 ** (rng.uniform(2.5, 3.9) if low else rng.uniform(2.0, 3.0))
            plugin: Any = LadderFilter(mode, float(cutoff), float(rng.uniform(0, 0.6)))
        case 1:
            # distortion depends on what goes in: from a hint of warmth to a fuzz
            plugin = Distortion(float(rng.uniform(0, 24) - 20 * np.log10(level) - 18))
        case 2:
            plugin = Delay(float(rng.uniform(0.08, 0.6)), float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.1, 0.4)))
        case 3:
            plugin = Chorus(float(rng.uniform(0.2, 3)), float(rng.uniform(0.1, 0.6)), mix=float(rng.uniform(0.3, 0.6)))
        case _:
            plugin = Bitcrush(float(rng.uniform(5, 10)))
    changed = np.asarray(Pedalboard([plugin])(audio, sample_rate), np.float32)
    # as loud as before, but what a filter leaves of next to nothing is not dug out
    return np.asarray(changed * np.float32(min(level / _rms(changed), 4.0)), np.float32)


def set_level(audio: Audio, decibels: float) -> Audio:
    """Scale to an RMS of `decibels` below full scale; near-silence is left as it is."""
    rms = _rms(audio)
    if rms < 1e-4:
        return audio
    return np.asarray(audio * (10 ** (decibels / 20) / rms), np.float32)


def _rms(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio)) + 1e-12))


def limit_mixture(stems: NDArray[np.float32], drive: float) -> NDArray[np.float32]:
    """Saturate the sum of stems (sources, channels, samples) as a limiter would, all scaled alike at each sample."""
    mixture = stems.sum(0) * np.float32(drive)
    gain = np.tanh(mixture) / np.where(np.abs(mixture) < 1e-4, 1, mixture)
    gain = np.where(np.abs(mixture) < 1e-4, 1, gain)
    return np.asarray(stems * (np.float32(drive) * gain), np.float32)


def random_equalisers(
    rng: np.random.Generator, shape: tuple[int, ...], bins: int, depth: float = 5.0
) -> NDArray[np.float32]:
    """Random smooth gains over frequency, (*shape, bins), about ±`depth` dB: a tilt and three broad bumps."""
    octave = np.linspace(0, 1, 64, dtype=np.float32)  # position on a logarithmic frequency axis
    curve = rng.normal(0, depth / 2, (*shape, 1)) * (octave - 0.5) * 2
    for _ in range(3):
        centre, width = rng.uniform(0, 1, (*shape, 1)), rng.uniform(0.05, 0.25, (*shape, 1))
        curve = curve + rng.normal(0, depth / 2, (*shape, 1)) * np.exp(-0.5 * ((octave - centre) / width) ** 2)
    curve[rng.random(shape) < 0.3] = 0.0
    gains = 10 ** (np.clip(curve, -2 * depth, 2 * depth) / 20)
    # the 64 points span 20 Hz to 22 kHz; each coefficient takes the nearest
    frequency = np.maximum(np.arange(bins) / (bins - 1), 1e-3)
    nearest = np.clip(np.round((np.log10(frequency) / 3 + 1) * 63), 0, 63).astype(int)
    return np.asarray(gains[..., nearest], np.float32)
