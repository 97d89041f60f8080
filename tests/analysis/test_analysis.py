"""Tempo, beats and key: of songs where they are known, and of sound that has none."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid import analysis
from unbraid.analysis import Analyser, Analysis, analyse
from unbraid.audio import Audio
from unbraid.errors import InputError

RATE = 22_050
I_VI_IV_V = {
    "C major": ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)),
    "A minor": ((9, 12, 16), (14, 17, 21), (16, 20, 23), (9, 12, 16)),
}


def hits(times: NDArray[np.float64], seconds: float, rate: int, seed: int = 0) -> Audio:
    """Return a drum stem `(1, samples)`: a decaying burst of noise at each of these times."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * rate), np.float32)
    burst = rng.normal(0, 0.3, rate // 10) * np.exp(-np.arange(rate // 10) / (0.02 * rate))
    for time in times:
        place = sound[int(time * rate) :][: burst.size]
        place += burst[: place.size].astype(np.float32)
    return sound[None]


def chords(roots: tuple[tuple[int, ...], ...], bar: float, start: float, seconds: float, rate: int) -> Audio:
    """Return a stem `(1, samples)` of one chord a bar; its notes are semitones above middle C."""
    time = np.arange(int(seconds * rate)) / rate
    number = np.floor((time - start) / bar).astype(int)
    sound = np.zeros(time.size)
    for which, chord in enumerate(roots):
        for note in chord:
            tone = np.sin(2 * np.pi * 261.626 * 2 ** (note / 12) * time)
            sound += np.where(number % len(roots) == which, 0.1 * tone, 0)
    return sound.astype(np.float32)[None]


def song(
    bpm: float, key: str, *, beats: int = 4, seconds: float = 40.0, rate: int = RATE
) -> tuple[dict[str, Audio], NDArray[np.float64]]:
    """Return stems, and their beats in seconds; the first one, at 0.7 s, begins a bar."""
    times = np.arange(0.7, seconds - 0.5, 60 / bpm)
    bar = beats * 60 / bpm
    stems = {
        "vocals": np.zeros((1, int(seconds * rate)), np.float32),
        "drums": hits(times, seconds, rate),
        "other": chords(I_VI_IV_V[key], bar, 0.7, seconds, rate),
    }
    return stems, times


def found(stems: dict[str, Audio], rate: int = RATE) -> Analysis:
    answer = analyse(stems, rate)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("bpm", "key", "beats", "rate"),
    [(90, "C major", 4, RATE), (124, "A minor", 4, 44_100), (140.5, "C major", 3, 48_000), (101, "A minor", 4, 8_000)],
)
def test_a_steady_song(bpm: float, key: str, beats: int, rate: int) -> None:
    stems, times = song(bpm, key, beats=beats, rate=rate)
    answer = found(stems, rate)
    assert answer.tempo == pytest.approx(bpm, rel=0.005)
    assert answer.key == key
    nearest = np.abs(np.subtract.outer(times, answer.beats)).min(axis=1)
    assert (nearest < 0.03).mean() > 0.95
    first_bars = np.subtract.outer(answer.downbeats, times[::beats])
    assert (np.abs(first_bars).min(axis=1) < 0.03).mean() > 0.95
    assert set(answer.downbeats) <= set(answer.beats)


@pytest.mark.parametrize("bpm", [88, 100, 120])
def test_loud_cymbals_between_the_beats_do_not_take_their_place(bpm: float) -> None:
    times = np.arange(0.7, 40.0, 60 / bpm)
    time = np.arange(RATE // 10) / RATE
    kick = np.sin(2 * np.pi * 55 * time) * np.exp(-time / 0.03)
    cymbals = np.diff(hits(times + 30 / bpm, 42.0, RATE, seed=1), n=3, prepend=np.zeros((1, 3), np.float32))
    drums = hits(times[1::2], 42.0, RATE) + cymbals
    for start in (times[::2] * RATE).astype(int):
        drums[0, start : start + kick.size] += 0.8 * kick.astype(np.float32)
    answer = found({"drums": drums})
    assert answer.tempo == pytest.approx(bpm, rel=0.005)
    nearest = np.abs(np.subtract.outer(times, answer.beats)).min(axis=1)
    assert (nearest < 0.03).mean() > 0.95


def test_a_tempo_that_drifts_is_followed() -> None:
    times = 0.5 + np.cumsum(np.geomspace(0.6, 0.45, 90))
    answer = found({"drums": hits(times, 50.0, RATE)})
    nearest = np.abs(np.subtract.outer(times[10:-10], answer.beats)).min(axis=1)
    assert (nearest < 0.05).mean() > 0.9


def test_blocks_of_any_length_tell_the_same() -> None:
    stems, _ = song(124, "A minor", seconds=20.0)
    analyser = Analyser(RATE)
    edges = np.cumsum([0, 1, 7, 5000, 100_000, 3, 150_000])
    for start, end in itertools.pairwise([*edges, RATE * 20]):
        analyser.add({name: stem[:, start:end] for name, stem in stems.items()})
    assert analyser.finish() == found(stems)


def rubato(seed: int) -> NDArray[np.float64]:
    return np.cumsum(0.5 * np.exp(np.random.default_rng(seed).normal(0, 0.3, 80)))


def tone(*hertz: float, seconds: int = 30) -> Audio:
    """Return a stem `(1, samples)` in which these sound all the time."""
    time = np.arange(RATE * seconds) / RATE
    return sum(0.3 / len(hertz) * np.sin(2 * np.pi * f * time) for f in hertz).astype(np.float32)[None]  # type: ignore[union-attr]


SECONDS = 30
NOISE = np.random.default_rng(1).normal(0, 0.1, (2, RATE * SECONDS)).astype(np.float32)
UNSTEADY = {
    "nothing": np.zeros((2, 0), np.float32),
    "one sample": np.ones((2, 1), np.float32),
    "silence": np.zeros((2, RATE * SECONDS), np.float32),
    "noise": NOISE,
    "one hit": hits(np.array([10.0]), SECONDS, RATE),
    "four hits": hits(np.array([10.0, 10.5, 11.0, 11.5]), SECONDS, RATE),
    "rubato": hits(rubato(0), SECONDS, RATE),
    "no rhythm": hits(np.sort(np.random.default_rng(2).uniform(0, SECONDS, 70)), SECONDS, RATE),
    "no number": np.full((1, RATE * SECONDS), np.nan, np.float32),
    "hum": tone(50),
    "a tone": tone(440),
    "a faded tone": tone(440) * np.bartlett(RATE * SECONDS).astype(np.float32),
    "a held chord": tone(220, 277.18, 329.63),
    "an offset": np.full((1, RATE * SECONDS), 0.3, np.float32),
    "a ramp": np.linspace(-0.5, 0.5, RATE * SECONDS, dtype=np.float32)[None],
}


@pytest.mark.parametrize("name", UNSTEADY)
def test_where_no_beat_is_steady_there_is_no_tempo(name: str) -> None:
    for stem in ("drums", "anything"):
        answer = found({stem: UNSTEADY[name]})
        assert (answer.tempo, answer.beats, answer.downbeats) == (None, [], [])


@pytest.mark.parametrize("name", sorted(UNSTEADY.keys() - {"a held chord"}))
def test_what_has_no_pitch_or_only_one_has_no_key(name: str) -> None:
    assert found({"other": UNSTEADY[name]}).key is None


def test_of_hours_of_sound_only_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "LONGEST_SECONDS", 20)
    stems, _ = song(124, "A minor", seconds=30.0)
    analyser = Analyser(RATE)
    for start in range(0, RATE * 30, RATE):
        analyser.add({name: stem[:, start : start + RATE] for name, stem in stems.items()})
    assert analyser.finish() == Analysis(None, [], [], "A minor")


def test_a_failure_is_logged_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    analyser = Analyser(RATE)
    analyser.add({"drums": np.zeros(5, np.float32)})  # no channels
    analyser.add({"drums": np.zeros((1, 5), np.float32)})
    assert analyser.finish() is None
    assert "could not be analysed" in caplog.text


@pytest.mark.parametrize(
    ("lengths", "rate"), [((), RATE), ((10, 20), RATE), ((10,), 0), ((10,), -1), ((10,), 1), ((10,), 44_100.5)]
)
def test_what_cannot_be_analysed_is_said(lengths: tuple[int, ...], rate: int) -> None:
    with pytest.raises(InputError, match=r"\.$"):
        analyse({str(n): np.zeros((1, n), np.float32) for n in lengths}, rate)


@pytest.mark.parametrize("count", range(1, 12))
def test_a_song_of_a_few_strokes_is_analysed_in_silence(count: int) -> None:
    times = 0.1 + 0.5 * np.arange(count, dtype=np.float64)
    answer = found({"drums": hits(times, 0.5 * count, RATE)})  # NumPy's warnings would be failures
    assert answer.tempo is None or count >= 8
