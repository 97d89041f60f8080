"""Simulates what recording and playback do to a song: mono, lost channels, filters, rooms, noise, clipping, codecs.

Each function takes stems (sources, channels, samples), float32, and returns stems that sum to the changed mixture. A
linear change is applied to every stem. A nonlinear one becomes gains that all stems share; what gains cannot express
is a sound of its own and goes, like hum and hiss, to *other*, never to a voice. The same state of a random generator
gives the same result.
"""

import io
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from unbraid.stems import STEMS

Stems = NDArray[np.float32]

NOISE_STEM = STEMS.index("other")
"""The stem that gets noise."""
MP3_DELAY = 1105
"""Samples that LAME (576) and a decoder (529) add at the start."""


@dataclass(frozen=True)
class RecordingConfig:
    """Probabilities with which each change is made to an example, in this order.

    Attributes:
        p_hard_pan: every stem is hard left or hard right, as on records of the sixties.
        p_room, p_loudspeaker: played in a small room; played by a small loudspeaker with resonances.
        p_band_limit: a low pass, steep or soft; some lose the lows too.
        cutoffs: lowest and highest frequency in Hz of that low pass.
        p_resample: converted to a low sample rate and back.
        p_mono: both channels are their mean.
        p_silent_channel, p_inverted_channel: one channel is silent; one has its sign flipped.
        p_hum, p_hiss, p_crackle: 50 or 60 Hz with harmonics; noise; the clicks of a worn record.
        p_level: all stems change their level alike.
        levels: lowest and highest change of level in dB.
        p_clip: cut off up to 10 dB below the peak.
        p_mp3: MP3 at a low bit rate.
    """

    p_hard_pan: float = 0.04
    p_room: float = 0.03
    p_loudspeaker: float = 0.03
    p_band_limit: float = 0.4
    cutoffs: tuple[float, float] = (3400.0, 16000.0)
    p_resample: float = 0.05
    p_mono: float = 0.4
    p_silent_channel: float = 0.02
    p_inverted_channel: float = 0.02
    p_hum: float = 0.03
    p_hiss: float = 0.05
    p_crackle: float = 0.02
    p_level: float = 0.05
    levels: tuple[float, float] = (-50.0, 6.0)
    p_clip: float = 0.03
    p_mp3: float = 0.08


CLEAN_RECORDING = RecordingConfig(
    p_hard_pan=0, p_room=0, p_loudspeaker=0, p_band_limit=0, p_resample=0, p_mono=0, p_silent_channel=0,
    p_inverted_channel=0, p_hum=0, p_hiss=0, p_crackle=0, p_level=0, p_clip=0, p_mp3=0,
)  # fmt: skip
"""No change at all."""


def degrade_recording(stems: Stems, rng: np.random.Generator, sample_rate: int, config: RecordingConfig) -> Stems:
    """Apply a random choice of changes, each with its probability in `config`."""
    chain = (
        (config.p_hard_pan, lambda x: hard_pan(x, rng)),
        (config.p_room, lambda x: add_room(x, rng, sample_rate)),
        (config.p_loudspeaker, lambda x: play_through_loudspeaker(x, rng, sample_rate)),
        (config.p_band_limit, lambda x: limit_band(x, rng, sample_rate, config.cutoffs)),
        (config.p_resample, lambda x: resample_and_back(x, rng, sample_rate)),
        (config.p_mono, fold_to_mono),
        (config.p_silent_channel, lambda x: silence_channel(x, rng)),
        (config.p_inverted_channel, lambda x: invert_channel(x, rng)),
        (config.p_hum, lambda x: add_hum(x, rng, sample_rate)),
        (config.p_hiss, lambda x: add_hiss(x, rng, sample_rate)),
        (config.p_crackle, lambda x: add_crackle(x, rng, sample_rate)),
        (config.p_level, lambda x: change_level(x, rng, config.levels)),
        (config.p_clip, lambda x: clip(x, rng)),
        (config.p_mp3, lambda x: apply_mp3(x, rng, sample_rate)),
    )
    for probability, change in chain:
        if rng.random() < probability:
            stems = change(stems)
    return stems


# --- the stereo picture -----------------------------------------------------------------------------------------------


def fold_to_mono(stems: Stems) -> Stems:
    """Give both channels their mean."""
    return np.repeat(stems.mean(1, keepdims=True, dtype=np.float32), stems.shape[1], axis=1)


def silence_channel(stems: Stems, rng: np.random.Generator) -> Stems:
    """Silence one of two channels."""
    kept = stems.copy()
    kept[:, rng.integers(stems.shape[1])] = 0
    return kept


def invert_channel(stems: Stems, rng: np.random.Generator) -> Stems:
    """Flip the sign of one of two channels."""
    turned = stems.copy()
    turned[:, rng.integers(stems.shape[1])] *= -1
    return turned


def hard_pan(stems: Stems, rng: np.random.Generator) -> Stems:
    """Put each stem, folded to mono, into one of the channels."""
    panned = np.zeros_like(stems)
    sides = rng.integers(stems.shape[1], size=len(stems))
    panned[np.arange(len(stems)), sides] = stems.mean(1)
    return panned


# --- filters ----------------------------------------------------------------------------------------------------------


def limit_band(stems: Stems, rng: np.random.Generator, sample_rate: int, cutoffs: tuple[float, float]) -> Stems:
    """Cut the highs at a random frequency in Hz, half of the time steeply. Below 5 kHz half lose their lows too."""
    from scipy.signal import butter, cheby2, sosfilt

    cutoff = min(float(np.exp(rng.uniform(*np.log(cutoffs)))), 0.45 * sample_rate)
    steep = rng.random() < 0.5
    sections = (
        cheby2(12, 80, min(1.1 * cutoff, 0.49 * sample_rate), fs=sample_rate, output="sos")
        if steep
        else butter(int(rng.integers(1, 5)), cutoff, fs=sample_rate, output="sos")
    )
    if cutoff < 5000 and rng.random() < 0.5:
        sections = np.concatenate([sections, butter(4, rng.uniform(80, 300), "highpass", fs=sample_rate, output="sos")])
    return np.asarray(sosfilt(sections.astype(np.float32), stems), np.float32)


def resample_and_back(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Convert to a low sample rate and back."""
    low = int(rng.choice([8000, 11025, 16000, 22050, 32000]))
    flat = stems.reshape(-1, stems.shape[-1]).T
    back = soxr.resample(soxr.resample(flat, sample_rate, low), low, sample_rate)
    result = np.zeros_like(flat)
    n = min(len(back), len(flat))
    result[:n] = back[:n]
    return np.ascontiguousarray(result.T).reshape(stems.shape)


def add_room(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Play in a small room: reflections and a tail of 0.1 to 0.5 s, different in each channel."""
    seconds = rng.uniform(0.1, 0.5)
    n = int(seconds * sample_rate)
    tail = rng.normal(0, 1, (stems.shape[1], n)) * np.exp(-6.9 * np.arange(n) / n)  # 60 dB in its length
    tail *= rng.random((stems.shape[1], n)) < np.linspace(0.01, 1, n)  # few reflections at first
    tail[:, : int(0.001 * sample_rate)] = 0
    tail *= 10 ** (rng.uniform(-14, 0) / 20) / np.sqrt(np.square(tail).sum(1, keepdims=True) + 1e-9)
    tail[:, 0] += 1
    return _convolve(stems, tail)


def play_through_loudspeaker(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Play through a small loudspeaker: no lows, few highs, three resonances."""
    frequency = np.fft.rfftfreq(4096, 1 / sample_rate)
    octaves = np.log2(np.maximum(frequency, 1))
    low, high = np.log2(rng.uniform(100, 500)), np.log2(rng.uniform(4000, 12000))
    decibels = -rng.uniform(12, 24) * np.maximum(low - octaves, 0) - rng.uniform(12, 36) * np.maximum(octaves - high, 0)
    for centre in rng.uniform(low, high, 3):
        decibels = decibels + rng.uniform(-8, 8) * np.exp(-0.5 * ((octaves - centre) / rng.uniform(0.1, 0.4)) ** 2)
    response = np.fft.irfft(10 ** (np.maximum(decibels, -80) / 20))
    return _convolve(stems, np.roll(response, 2048)[None] * np.hanning(4096))


def _convolve(stems: Stems, response: NDArray[np.float64]) -> Stems:
    """Convolve each channel with its row of `response` (1 or channels, taps); the length stays."""
    from scipy.signal import oaconvolve

    answer = oaconvolve(stems, response[None].astype(np.float32), axes=-1)
    return np.asarray(answer[..., : stems.shape[-1]], np.float32)


# --- noise ------------------------------------------------------------------------------------------------------------


def add_hum(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Add mains hum: 50 or 60 Hz and harmonics, the same in both channels."""
    time = np.arange(stems.shape[-1]) / sample_rate
    mains = float(rng.choice([50, 60]))
    harmonics = [
        rng.uniform(0, 1) / number * np.sin(2 * np.pi * (mains * number * time + rng.random()))
        for number in range(1, int(rng.integers(2, 16)))
    ]
    return _add_noise(stems, np.sum(harmonics, 0)[None], rng.uniform(-50, -20))


def add_hiss(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Add noise, white or falling with frequency; in three cases of ten the same in both channels."""
    channels = stems.shape[1] if rng.random() < 0.7 else 1
    spectrum = np.fft.rfft(rng.normal(0, 1, (channels, stems.shape[-1])))
    frequency = np.fft.rfftfreq(stems.shape[-1], 1 / sample_rate)
    spectrum *= np.maximum(frequency, 20.0) ** -rng.uniform(0, 0.5)
    return _add_noise(stems, np.fft.irfft(spectrum, stems.shape[-1]), rng.uniform(-55, -20))


def add_crackle(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Add the clicks of a worn record."""
    from scipy.signal import butter, sosfilt

    samples = stems.shape[-1]
    hits = rng.random((stems.shape[1], samples)) < rng.uniform(5, 60) / sample_rate
    clicks = hits * rng.standard_cauchy((stems.shape[1], samples)).clip(-30, 30)
    clicks = sosfilt(butter(1, [500, 6000], "bandpass", fs=sample_rate, output="sos"), clicks)
    return _add_noise(stems, clicks, rng.uniform(-45, -20))


def _add_noise(stems: Stems, noise: NDArray[np.float64], decibels: float) -> Stems:
    """Add noise (1 or channels, samples) to *other*, at `decibels` relative to the RMS of the mixture."""
    level = np.sqrt(np.square(stems.sum(0)).mean()) * 10 ** (decibels / 20)
    changed = stems.copy()
    changed[NOISE_STEM] += (noise * (level / (np.sqrt(np.square(noise).mean()) + 1e-9))).astype(np.float32)
    return changed


# --- levels and nonlinear changes -------------------------------------------------------------------------------------


def change_level(stems: Stems, rng: np.random.Generator, levels: tuple[float, float]) -> Stems:
    """Scale all stems by one gain within `levels` in dB."""
    return stems * np.float32(10 ** (rng.uniform(*levels) / 20))


def clip(stems: Stems, rng: np.random.Generator) -> Stems:
    """Clip the mixture 1 to 10 dB below its peak: one gain a sample, shared by all stems."""
    mixture = stems.sum(0)
    ceiling = np.abs(mixture).max() * 10 ** (-rng.uniform(1, 10) / 20)
    gain = np.minimum(1, ceiling / np.maximum(np.abs(mixture), 1e-9))
    return np.asarray(stems * gain, np.float32)


def apply_mp3(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Send the mixture through MP3 at 32 to 96 kbit/s.

    All stems share the real gain that the codec gave each coefficient of a short-time Fourier transform; the error that
    remains goes to *other*.
    """
    mixture = stems.sum(0)
    peak = float(np.abs(mixture).max())
    if sample_rate not in (32_000, 44_100, 48_000) or peak < 1e-4:
        return stems
    from scipy.signal import istft, stft

    scale = np.float32(min(1.0, 0.9 / peak))
    heard = _encode_and_decode(mixture * scale, sample_rate, int(rng.choice([32, 48, 64, 96]))) / scale
    before, after = stft(mixture, nperseg=2048)[2], stft(heard, nperseg=2048)[2]
    gain = np.clip((after * before.conj()).real / (np.square(np.abs(before)) + 1e-12), 0, 1.5)
    changed: Stems = istft(stft(stems, nperseg=2048)[2] * gain)[1][..., : stems.shape[-1]].astype(np.float32)
    changed[NOISE_STEM] += heard - changed.sum(0)
    return changed


def _encode_and_decode(audio: Stems, sample_rate: int, kilobits: int) -> Stems:
    """Encode audio (channels, samples) with LAME at a constant rate and decode it, without a delay."""
    from pedalboard.io import AudioFile

    content = io.BytesIO()
    with AudioFile(content, "w", sample_rate, len(audio), format="mp3", quality=kilobits) as encoder:
        encoder.write(np.pad(audio, ((0, 0), (0, 2 * MP3_DELAY))))
    with AudioFile(io.BytesIO(content.getvalue())) as decoder:
        decoded = decoder.read(decoder.frames)
    return np.asarray(decoded[:, MP3_DELAY : MP3_DELAY + audio.shape[1]], np.float32)
