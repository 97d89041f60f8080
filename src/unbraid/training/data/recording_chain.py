"""What recording and playback do to a whole song: mono folds, lost channels, filters, rooms, noise, clipping, codecs.

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

REST = STEMS.index("other")
"""The stem that gets noise."""
MP3_DELAY = 1105
"""Samples that LAME (576) and a decoder (529) add at the start."""


@dataclass(frozen=True)
class RecordingConfig:
    """How often each change is applied to an example, in this order.

    Attributes:
        hard_panned: every stem is hard left or hard right, as on records of the sixties.
        room, loudspeaker: played in a small room; played by a small loudspeaker with resonances.
        band_limited: a low pass, steep or soft, at a frequency within `cutoffs` in Hz; some lose the lows too.
        resampled: converted to a low sample rate and back.
        mono: both channels are their mean.
        silent_side, inverted_side: one channel is silent; one has its sign flipped.
        hum, hiss, crackle: 50 or 60 Hz with harmonics; noise; the clicks of a worn record.
        level: all stems change their level within `levels` in dB.
        clipped: cut off up to 10 dB below the peak.
        coded: MP3 at a low bit rate.
    """

    hard_panned: float = 0.04
    room: float = 0.03
    loudspeaker: float = 0.03
    band_limited: float = 0.4
    cutoffs: tuple[float, float] = (3400.0, 16000.0)
    resampled: float = 0.05
    mono: float = 0.4
    silent_side: float = 0.02
    inverted_side: float = 0.02
    hum: float = 0.03
    hiss: float = 0.05
    crackle: float = 0.02
    level: float = 0.05
    levels: tuple[float, float] = (-50.0, 6.0)
    clipped: float = 0.03
    coded: float = 0.08


INTACT = RecordingConfig(
    hard_panned=0, room=0, loudspeaker=0, band_limited=0, resampled=0, mono=0, silent_side=0, inverted_side=0,
    hum=0, hiss=0, crackle=0, level=0, clipped=0, coded=0,
)  # fmt: skip
"""Songs stay as they are."""


def recorded(stems: Stems, rng: np.random.Generator, sample_rate: int, config: RecordingConfig) -> Stems:
    """Apply a random choice of changes, each with its probability in `config`."""
    chain = (
        (config.hard_panned, lambda x: hard_panned(x, rng)),
        (config.room, lambda x: in_room(x, rng, sample_rate)),
        (config.loudspeaker, lambda x: through_loudspeaker(x, rng, sample_rate)),
        (config.band_limited, lambda x: band_limited(x, rng, sample_rate, config.cutoffs)),
        (config.resampled, lambda x: resampled(x, rng, sample_rate)),
        (config.mono, mono),
        (config.silent_side, lambda x: silent_side(x, rng)),
        (config.inverted_side, lambda x: inverted_side(x, rng)),
        (config.hum, lambda x: with_hum(x, rng, sample_rate)),
        (config.hiss, lambda x: with_hiss(x, rng, sample_rate)),
        (config.crackle, lambda x: with_crackle(x, rng, sample_rate)),
        (config.level, lambda x: levelled(x, rng, config.levels)),
        (config.clipped, lambda x: clipped(x, rng)),
        (config.coded, lambda x: coded(x, rng, sample_rate)),
    )
    for probability, change in chain:
        if rng.random() < probability:
            stems = change(stems)
    return stems


# --- the stereo picture -----------------------------------------------------------------------------------------------


def mono(stems: Stems) -> Stems:
    """Give both channels their mean."""
    return np.repeat(stems.mean(1, keepdims=True, dtype=np.float32), stems.shape[1], axis=1)


def silent_side(stems: Stems, rng: np.random.Generator) -> Stems:
    """Silence one of two channels."""
    kept = stems.copy()
    kept[:, rng.integers(stems.shape[1])] = 0
    return kept


def inverted_side(stems: Stems, rng: np.random.Generator) -> Stems:
    """Flip the sign of one of two channels."""
    turned = stems.copy()
    turned[:, rng.integers(stems.shape[1])] *= -1
    return turned


def hard_panned(stems: Stems, rng: np.random.Generator) -> Stems:
    """Put each stem, folded to mono, into one of the channels."""
    panned = np.zeros_like(stems)
    sides = rng.integers(stems.shape[1], size=len(stems))
    panned[np.arange(len(stems)), sides] = stems.mean(1)
    return panned


# --- filters ----------------------------------------------------------------------------------------------------------


def band_limited(stems: Stems, rng: np.random.Generator, sample_rate: int, cutoffs: tuple[float, float]) -> Stems:
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


def resampled(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Convert to a low sample rate and back."""
    low = int(rng.choice([8000, 11025, 16000, 22050, 32000]))
    flat = stems.reshape(-1, stems.shape[-1]).T
    back = soxr.resample(soxr.resample(flat, sample_rate, low), low, sample_rate)
    result = np.zeros_like(flat)
    n = min(len(back), len(flat))
    result[:n] = back[:n]
    return np.ascontiguousarray(result.T).reshape(stems.shape)


def in_room(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Play in a small room: reflections and a tail of 0.1 to 0.5 s, different in each channel."""
    seconds = rng.uniform(0.1, 0.5)
    n = int(seconds * sample_rate)
    tail = rng.normal(0, 1, (stems.shape[1], n)) * np.exp(-6.9 * np.arange(n) / n)  # 60 dB in its length
    tail *= rng.random((stems.shape[1], n)) < np.linspace(0.01, 1, n)  # few reflections at first
    tail[:, : int(0.001 * sample_rate)] = 0
    tail *= 10 ** (rng.uniform(-14, 0) / 20) / np.sqrt(np.square(tail).sum(1, keepdims=True) + 1e-9)
    tail[:, 0] += 1
    return _convolved(stems, tail)


def through_loudspeaker(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Play through a small loudspeaker: no lows, few highs, three resonances."""
    frequency = np.fft.rfftfreq(4096, 1 / sample_rate)
    octaves = np.log2(np.maximum(frequency, 1))
    low, high = np.log2(rng.uniform(100, 500)), np.log2(rng.uniform(4000, 12000))
    decibels = -rng.uniform(12, 24) * np.maximum(low - octaves, 0) - rng.uniform(12, 36) * np.maximum(octaves - high, 0)
    for centre in rng.uniform(low, high, 3):
        decibels = decibels + rng.uniform(-8, 8) * np.exp(-0.5 * ((octaves - centre) / rng.uniform(0.1, 0.4)) ** 2)
    response = np.fft.irfft(10 ** (np.maximum(decibels, -80) / 20))
    return _convolved(stems, np.roll(response, 2048)[None] * np.hanning(4096))


def _convolved(stems: Stems, response: NDArray[np.float64]) -> Stems:
    """Convolve each channel with its row of `response` (1 or channels, taps); the length stays."""
    from scipy.signal import oaconvolve

    answer = oaconvolve(stems, response[None].astype(np.float32), axes=-1)
    return np.asarray(answer[..., : stems.shape[-1]], np.float32)


# --- noise ------------------------------------------------------------------------------------------------------------


def with_hum(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Add mains hum: 50 or 60 Hz and harmonics, the same in both channels."""
    time = np.arange(stems.shape[-1]) / sample_rate
    mains = float(rng.choice([50, 60]))
    harmonics = [
        rng.uniform(0, 1) / number * np.sin(2 * np.pi * (mains * number * time + rng.random()))
        for number in range(1, int(rng.integers(2, 16)))
    ]
    return _with_noise(stems, np.sum(harmonics, 0)[None], rng.uniform(-50, -20))


def with_hiss(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Add noise, white or falling with frequency; in three cases of ten the same in both channels."""
    channels = stems.shape[1] if rng.random() < 0.7 else 1
    spectrum = np.fft.rfft(rng.normal(0, 1, (channels, stems.shape[-1])))
    frequency = np.fft.rfftfreq(stems.shape[-1], 1 / sample_rate)
    spectrum *= np.maximum(frequency, 20.0) ** -rng.uniform(0, 0.5)
    return _with_noise(stems, np.fft.irfft(spectrum, stems.shape[-1]), rng.uniform(-55, -20))


def with_crackle(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
    """Add the clicks of a worn record."""
    from scipy.signal import butter, sosfilt

    samples = stems.shape[-1]
    hits = rng.random((stems.shape[1], samples)) < rng.uniform(5, 60) / sample_rate
    clicks = hits * rng.standard_cauchy((stems.shape[1], samples)).clip(-30, 30)
    clicks = sosfilt(butter(1, [500, 6000], "bandpass", fs=sample_rate, output="sos"), clicks)
    return _with_noise(stems, clicks, rng.uniform(-45, -20))


def _with_noise(stems: Stems, noise: NDArray[np.float64], decibels: float) -> Stems:
    """Add noise (1 or channels, samples) to *other*, at `decibels` relative to the RMS of the mixture."""
    level = np.sqrt(np.square(stems.sum(0)).mean()) * 10 ** (decibels / 20)
    changed = stems.copy()
    changed[REST] += (noise * (level / (np.sqrt(np.square(noise).mean()) + 1e-9))).astype(np.float32)
    return changed


# --- levels and nonlinear changes -------------------------------------------------------------------------------------


def levelled(stems: Stems, rng: np.random.Generator, levels: tuple[float, float]) -> Stems:
    """Scale all stems by one gain within `levels` in dB."""
    return stems * np.float32(10 ** (rng.uniform(*levels) / 20))


def clipped(stems: Stems, rng: np.random.Generator) -> Stems:
    """Clip the mixture 1 to 10 dB below its peak: one gain a sample, shared by all stems."""
    mixture = stems.sum(0)
    ceiling = np.abs(mixture).max() * 10 ** (-rng.uniform(1, 10) / 20)
    gain = np.minimum(1, ceiling / np.maximum(np.abs(mixture), 1e-9))
    return np.asarray(stems * gain, np.float32)


def coded(stems: Stems, rng: np.random.Generator, sample_rate: int) -> Stems:
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
    heard = _by_mp3(mixture * scale, sample_rate, int(rng.choice([32, 48, 64, 96]))) / scale
    before, after = stft(mixture, nperseg=2048)[2], stft(heard, nperseg=2048)[2]
    gain = np.clip((after * before.conj()).real / (np.square(np.abs(before)) + 1e-12), 0, 1.5)
    changed: Stems = istft(stft(stems, nperseg=2048)[2] * gain)[1][..., : stems.shape[-1]].astype(np.float32)
    changed[REST] += heard - changed.sum(0)
    return changed


def _by_mp3(audio: Stems, sample_rate: int, kilobits: int) -> Stems:
    """Encode audio (channels, samples) with LAME at a constant rate and decode it, without a delay."""
    from pedalboard.io import AudioFile

    content = io.BytesIO()
    with AudioFile(content, "w", sample_rate, len(audio), format="mp3", quality=kilobits) as encoder:
        encoder.write(np.pad(audio, ((0, 0), (0, 2 * MP3_DELAY))))
    with AudioFile(io.BytesIO(content.getvalue())) as decoder:
        decoded = decoder.read(decoder.frames)
    return np.asarray(decoded[:, MP3_DELAY : MP3_DELAY + audio.shape[1]], np.float32)
