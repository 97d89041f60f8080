"""Stems still sum to the mixture, a voice gets no noise, and each change does what its name says."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from unbraid.stems import STEMS
from unbraid.training.data import recording_chain as chain
from unbraid.training.data.recording_chain import CLEAN_RECORDING, RecordingConfig, Stems, degrade_recording

RATE = 44_100
CONDITIONS = [f.name for f in fields(RecordingConfig) if f.name.startswith("p_")]
LINEAR = set(CONDITIONS) - {"p_hum", "p_hiss", "p_crackle", "p_clip", "p_mp3"}
Change = Callable[[Stems, np.random.Generator], Stems]


@pytest.fixture(scope="module")
def stems() -> Stems:
    """Noise of five colours, a second and a half of each, another in each channel."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, (len(STEMS), 2, RATE * 3 // 2))
    for number, stem in enumerate(noise):
        for _ in range(number):
            stem[:, 1:] = (stem[:, 1:] + stem[:, :-1]) / 2
    return noise.astype(np.float32)


def always(condition: str) -> Change:
    """Return the chain that applies this change alone, every time."""
    changes: dict[str, Any] = {condition: 1.0}
    config = replace(CLEAN_RECORDING, **changes)
    return lambda stems, rng: degrade_recording(stems, rng, RATE, config)


def decibels(audio: Stems) -> float:
    return float(10 * np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-20))


def share_above(audio: Stems, frequency: float) -> float:
    """dB of what lies above a frequency, relative to all."""
    power = np.square(np.abs(np.fft.rfft(audio * np.hanning(audio.shape[-1]))))
    bins = np.fft.rfftfreq(audio.shape[-1], 1 / RATE) > frequency
    return float(10 * np.log10(power[..., bins].sum() / power.sum()))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_everything_changes_the_song_and_is_the_same_for_the_same_generator(condition: str, stems: Stems) -> None:
    change, before = always(condition), stems.copy()
    once, again = (change(stems, np.random.default_rng(7)) for _ in range(2))
    assert once.shape == stems.shape
    assert once.dtype == np.float32
    assert np.isfinite(once).all()
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(stems, before, "what came in is left as it was")
    assert decibels(once.sum(0) - stems.sum(0)) > decibels(stems.sum(0)) - 60


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_silent_voice_stays_silent(condition: str, stems: Stems) -> None:
    mute = stems.copy()
    mute[STEMS.index("vocals")] = 0
    for seed in range(3):
        assert not always(condition)(mute, np.random.default_rng(seed))[STEMS.index("vocals")].any()


@pytest.mark.parametrize("condition", sorted(LINEAR))
def test_what_is_linear_does_to_the_mixture_what_it_does_to_the_stems(condition: str, stems: Stems) -> None:
    mixture = np.zeros_like(stems)
    mixture[0] = stems.sum(0)
    if condition == "p_hard_pan":  # each stem has its own side: only what both channels hold is the same
        parts, whole = (always(condition)(x, np.random.default_rng(3)).sum(1) for x in (stems, mixture))
    else:
        parts, whole = (always(condition)(x, np.random.default_rng(3)) for x in (stems, mixture))
    np.testing.assert_allclose(parts.sum(0), whole.sum(0), atol=2e-5)


@pytest.mark.parametrize("condition", ["p_hum", "p_hiss", "p_crackle"])
def test_noise_is_added_to_other_alone(condition: str, stems: Stems) -> None:
    noisy = always(condition)(stems, np.random.default_rng(1))
    others = np.arange(len(STEMS)) != chain.NOISE_STEM
    np.testing.assert_array_equal(noisy[others], stems[others])


def test_a_mono_song_has_two_equal_channels(stems: Stems) -> None:
    folded = chain.fold_to_mono(stems)
    np.testing.assert_array_equal(folded[:, 0], folded[:, 1])
    np.testing.assert_allclose(folded[:, 0], stems.mean(1), atol=1e-7)


def test_one_side_is_silent_or_inverted_and_the_other_as_it_was(stems: Stems) -> None:
    for seed in range(4):
        silent = chain.silence_channel(stems, np.random.default_rng(seed))
        inverted = chain.invert_channel(stems, np.random.default_rng(seed))
        (lost,) = [side for side in (0, 1) if not silent[:, side].any()]
        np.testing.assert_array_equal(silent[:, 1 - lost], stems[:, 1 - lost])
        np.testing.assert_array_equal(inverted[:, lost], -stems[:, lost])
        np.testing.assert_array_equal(inverted[:, 1 - lost], stems[:, 1 - lost])


def test_a_hard_panned_stem_is_in_one_channel(stems: Stems) -> None:
    panned = chain.hard_pan(stems, np.random.default_rng(2))
    assert (panned.any(-1).sum(1) == 1).all()
    assert panned.sum(0).any(-1).all(), "some left, some right"


def test_a_band_limit_takes_the_highs_and_leaves_the_rest(stems: Stems) -> None:
    for seed in range(6):
        limited = chain.limit_band(stems, np.random.default_rng(seed), RATE, (4000, 4001))
        assert share_above(limited[0], 8000) < share_above(stems[0], 8000) - 5
        middle = slice(round(500 * 1.5), round(2000 * 1.5))
        before, after = (np.abs(np.fft.rfft(x[0]))[:, middle] for x in (stems, limited))
        assert 0.7 < np.median(after / before) < 1.05


def test_a_low_sample_rate_leaves_nothing_above_half_of_it_and_no_delay(stems: Stems) -> None:
    for seed in range(4):
        low = chain.resample_and_back(stems, np.random.default_rng(seed), RATE)
        assert share_above(low[0], 16_100) < -60
        part = slice(RATE // 2, RATE)
        lags = [np.vdot(low[4, 0, part], np.roll(stems[4, 0], lag)[part]) for lag in range(-20, 21)]
        assert np.argmax(lags) == 20


def test_a_room_and_a_loudspeaker_keep_the_song_in_time(stems: Stems) -> None:
    click = np.zeros_like(stems)
    click[0, :, 10_000] = 1
    for seed in range(4):
        for change in (chain.add_room, chain.play_through_loudspeaker):
            heard = np.abs(change(click, np.random.default_rng(seed), RATE)[0, 0])
            assert abs(int(heard.argmax()) - 10_000) < 0.05 * RATE
            assert heard[12_000:].any() or change is chain.play_through_loudspeaker


def test_levels_span_what_the_configuration_says(stems: Stems) -> None:
    levels = [decibels(chain.change_level(stems, np.random.default_rng(seed), (-50, 6))) for seed in range(200)]
    relative = np.array(levels) - decibels(stems)
    assert -50 <= relative.min() < -45
    assert 1 < relative.max() <= 6


def test_clipping_bounds_the_mixture_by_one_gain_for_all_stems(stems: Stems) -> None:
    clipped = chain.clip(stems, np.random.default_rng(0))
    before, after = stems.sum(0), clipped.sum(0)
    ceiling = np.abs(after).max()
    np.testing.assert_allclose(after, np.clip(before, -ceiling, ceiling), atol=1e-6)
    assert ceiling < 0.9 * np.abs(before).max()
    np.testing.assert_allclose(clipped[1] * before, stems[1] * after, atol=1e-6)


def test_a_codec_changes_the_mixture_as_mp3_does_and_no_stem_is_late(stems: Stems) -> None:
    coded = chain.apply_mp3(stems, np.random.default_rng(0), RATE)
    mixture, heard = stems.sum(0), coded.sum(0)
    assert -30 < decibels(heard - mixture) - decibels(mixture) < -3
    assert share_above(heard, 16_500) < -30
    part = slice(RATE // 2, RATE)
    for before, after in zip(stems, coded, strict=True):
        lags = [np.vdot(after[0, part], np.roll(before[0], lag)[part]) for lag in range(-20, 21)]
        assert np.argmax(lags) == 20


def test_a_codec_leaves_what_it_cannot_code(stems: Stems) -> None:
    np.testing.assert_array_equal(chain.apply_mp3(stems, np.random.default_rng(0), 96_000), stems)
    silence = np.zeros_like(stems)
    np.testing.assert_array_equal(chain.apply_mp3(silence, np.random.default_rng(0), RATE), silence)


def test_songs_are_changed_as_often_as_the_configuration_says(stems: Stems) -> None:
    short = stems[:, :, :2000]
    assert all(
        (degrade_recording(short, np.random.default_rng(seed), RATE, CLEAN_RECORDING) == short).all()
        for seed in range(20)
    )
    sometimes = replace(CLEAN_RECORDING, p_mono=0.25)
    folded = [
        np.array_equal(changed[:, 0], changed[:, 1])
        for changed in (degrade_recording(short, np.random.default_rng(seed), RATE, sometimes) for seed in range(400))
    ]
    assert 0.18 < np.mean(folded) < 0.32
