"""Speed without pitch, pitch without speed: what must hold of every sound."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import noise
from unbraid.audio import stretched

RATE = 44_100
SIZES = (10_000, 1, 33_333)


def run(
    sound: NDArray[np.float32], rate: int = RATE, sizes: tuple[int, ...] = SIZES, **how: float
) -> NDArray[np.float32]:
    def blocks() -> Iterator[NDArray[np.float32]]:
        start, number = 0, 0
        while start < sound.shape[1]:
            yield sound[:, start : start + sizes[number % len(sizes)]]
            start, number = start + sizes[number % len(sizes)], number + 1

    found = stretched(blocks(), rate, len(sound), frames=sound.shape[1], **how)
    return np.concatenate(list(found), axis=1)


def tones(hertz: list[float], seconds: float = 3.0) -> NDArray[np.float32]:
    at = np.arange(round(seconds * RATE)) / RATE
    sound = sum(np.sin(2 * np.pi * pitch * at + number) for number, pitch in enumerate(hertz)) / len(hertz)
    return np.stack([sound, 0.5 * sound]).astype(np.float32)


def purity(sound: NDArray[np.float32], hertz: list[float]) -> float:
    """Return by how many dB the tones are louder than all else."""
    inner = sound[0, RATE // 2 : -RATE // 2].astype(float)
    power = np.abs(np.fft.rfft(inner * np.blackman(inner.size))) ** 2
    pitches = np.fft.rfftfreq(inner.size, 1 / RATE)
    wanted = np.any([np.abs(pitches - pitch) < 4 for pitch in hertz], axis=0)
    return float(10 * np.log10(power[wanted].sum() / power[~wanted].sum()))


@pytest.mark.parametrize(("speed", "semitones"), [(0.5, 0), (0.75, 0), (1.5, 0), (1, 3), (1, -6), (0.8, 6)])
def test_a_chord_is_the_same_chord_in_another_key(speed: float, semitones: int) -> None:
    chord = [110, 220, 277.18, 329.63, 440, 554.37, 659.26]
    sound = run(tones(chord, 3 * speed), speed=speed, semitones=semitones)
    assert sound.shape == (2, 3 * RATE)
    assert purity(sound, [pitch * 2 ** (semitones / 12) for pitch in chord]) > 30
    np.testing.assert_allclose(sound[1], 0.5 * sound[0], atol=1e-4)  # the sides stay where they are


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.5])
def test_a_stroke_stays_short_and_in_its_place(speed: float) -> None:
    sound = np.zeros((1, 3 * RATE), np.float32)
    sound[:, RATE : RATE + 4000] = noise(1, 4000) * np.exp(-np.arange(4000) / 600)
    found = run(sound, speed=speed, frame_seconds=0.046)[0]
    power = np.square(found.astype(float)).cumsum() / np.square(found.astype(float)).sum()
    place = round(RATE / speed)
    assert power[place - round(0.012 * RATE)] < 0.1
    assert power[place + round(0.06 * RATE)] > 0.9


def test_what_changes_nothing_returns_every_sample() -> None:
    sound = noise(2, 50_000)
    np.testing.assert_array_equal(run(sound), sound)


@pytest.mark.parametrize("rate", [8_000, 96_000])
def test_lengths_are_exact_at_every_rate_and_for_the_shortest_sound(rate: int) -> None:
    for length in (1, 100, 30_000):
        for how in ({"speed": 0.7}, {"semitones": -5}, {"speed": 1.4, "semitones": 5}):
            assert run(noise(1, length), rate, **how).shape == (1, round(length / how.get("speed", 1)))


def test_blocks_do_not_matter_and_silence_stays_silent() -> None:
    sound = noise(2, 60_000)
    np.testing.assert_allclose(run(sound, speed=0.8, sizes=(60_000,)), run(sound, speed=0.8, sizes=(777,)), atol=1e-6)
    assert not run(np.zeros_like(sound), speed=0.8, semitones=2).any()
