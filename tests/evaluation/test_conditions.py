"""What a condition does to a song, it does to the references; and whoever gives back the references is perfect."""

import numpy as np
import pytest

from tests.conftest import noise
from unbraid.evaluation.conditions import CONDITIONS, Audio, Stems
from unbraid.evaluation.metrics import sdr

RATE = 44_100
CODECS = [name for name in CONDITIONS if name.startswith("MP3")]
ALL = pytest.mark.parametrize("name", CONDITIONS)


@pytest.fixture(scope="module")
def stems() -> Stems:
    """Noise that is loud in the bass and gets softer upwards, as music is."""
    levels = {"vocals": 0.03, "drums": 0.02, "bass": 0.02, "piano": 0.01, "other": 0.015}
    return {name: np.float32(level) * pink(seed) for seed, (name, level) in enumerate(levels.items())}


def pink(seed: int) -> Audio:
    spectrum = np.fft.rfft(noise(2, 2 * RATE, seed))
    hertz = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    coloured = np.fft.irfft(spectrum * (hertz > 20) / np.maximum(hertz, 20) ** 0.7)
    return np.asarray(coloured / coloured.std(), np.float32)


def energy_between(audio: Audio, low: float, high: float) -> float:
    hertz = np.fft.rfftfreq(audio.shape[1], 1 / RATE)
    power = np.square(np.abs(np.fft.rfft(audio.astype(np.float64)))).sum(0)
    return float(power[(hertz >= low) & (hertz < high)].sum() / power.sum())


@ALL
def test_the_song_is_its_references_and_the_noise(name: str, stems: Stems) -> None:
    recording = CONDITIONS[name](stems, RATE)
    whole = sum(recording.references.values()) + recording.noise
    assert recording.references.keys() == stems.keys()
    assert recording.mixture.shape == recording.noise.shape == whole.shape
    assert recording.mixture.dtype == np.float32
    if name in CODECS:
        assert sdr(recording.mixture, whole) > 6
    else:
        np.testing.assert_allclose(recording.mixture, whole, atol=1e-6)


@ALL
def test_the_song_does_not_depend_on_how_it_is_divided(name: str, stems: Stems) -> None:
    if name == "voice left, band right":
        voice = {"vocals": stems["vocals"]}
        assert not CONDITIONS[name](voice, RATE).mixture[1].any()
        assert not CONDITIONS[name]({"other": stems["other"]}, RATE).mixture[0].any()
        return
    whole = CONDITIONS[name]({"other": np.sum(list(stems.values()), axis=0)}, RATE).mixture
    np.testing.assert_allclose(CONDITIONS[name](stems, RATE).mixture, whole, atol=1e-4)


@ALL
def test_nothing_moves_in_time(name: str, stems: Stems) -> None:
    """The reference lies where the song has it: a shift by one sample would already spoil the SDR of a cymbal."""
    recording = CONDITIONS[name](stems, RATE)
    reference = np.sum(list(recording.references.values()), axis=0)
    size = 2 * recording.mixture.shape[1]
    spectra = [np.fft.rfft(audio[0], size) for audio in (recording.mixture, reference)]
    assert np.fft.irfft(spectra[0] * spectra[1].conj()).argmax() == 0


@ALL
def test_silence_is_survived(name: str) -> None:
    recording = CONDITIONS[name]({"vocals": np.zeros((2, RATE), np.float32)}, RATE)
    assert np.isfinite(recording.mixture).all()
    assert not recording.references["vocals"].any()


def test_channels(stems: Stems) -> None:
    songs = {name: CONDITIONS[name](stems, RATE).mixture for name in CONDITIONS}
    left, right = songs["stereo"]
    for name in ("mono", "16 kHz, mono"):
        np.testing.assert_array_equal(songs[name][0], songs[name][1])
    np.testing.assert_allclose(songs["left only"], [left, 0 * right], atol=1e-7)
    np.testing.assert_allclose(songs["one side inverted"], [left, -right], atol=1e-7)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("16 kHz", 0, 8_000),
        ("16 kHz, mono", 0, 8_000),
        ("telephone", 270, 3_400),
        ("MP3, 64 kbit/s", 0, 12_500),
        ("MP3, 32 kbit/s", 0, 6_500),
        ("small room", 100, 12_100),
    ],
)
def test_bands(name: str, low: float, high: float, stems: Stems) -> None:
    recording = CONDITIONS[name](stems, RATE)
    for audio in (recording.mixture, *recording.references.values()):
        assert energy_between(audio, low, high) > 0.999


def test_levels_and_speeds(stems: Stems) -> None:
    songs = {name: CONDITIONS[name](stems, RATE).mixture for name in CONDITIONS}
    for decibels in (20, 36, 48):
        softer = songs[f"{decibels} dB softer"] * np.float32(10 ** (decibels / 20))
        np.testing.assert_allclose(softer, songs["stereo"], atol=1e-6)
    assert songs["6 % faster"].shape[1] == round(2 * RATE / 1.06)
    assert songs["6 % slower"].shape[1] == round(2 * RATE / 0.94)


def test_clipping_is_what_a_converter_does(stems: Stems) -> None:
    song = CONDITIONS["stereo"](stems, RATE).mixture
    clipped = CONDITIONS["clipped by 6 dB"](stems, RATE).mixture
    driven = song * np.float32(10 ** (6 / 20) / np.abs(song).max())
    np.testing.assert_allclose(clipped, driven.clip(-1, 1), atol=1e-5)


@pytest.mark.parametrize(("name", "below"), [("hum and hiss", 37), ("vinyl crackle", 30)])
def test_noises_are_so_much_softer_than_the_song(name: str, below: float, stems: Stems) -> None:
    recording = CONDITIONS[name](stems, RATE)
    song, added = (np.square(audio).mean() for audio in (CONDITIONS["stereo"](stems, RATE).mixture, recording.noise))
    assert 10 * np.log10(song / added) == pytest.approx(below, abs=0.3)
