"""Properties of effects: what is wide keeps its sum, echoes come in time, pumping leaves what is between the kicks."""

import numpy as np

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.production import effects


def noise(seconds: float = 1.0) -> Audio:
    return np.random.default_rng(1).normal(0, 0.1, (2, int(seconds * RATE))).astype(np.float32)


def test_what_is_widened_differs_more_between_its_channels_and_sums_to_the_same() -> None:
    mono = np.repeat(noise()[:1], 2, axis=0)
    wide = effects.widened(np.random.default_rng(0), mono, 0.5, 0.5)
    np.testing.assert_allclose(wide.sum(axis=0), mono.sum(axis=0), atol=1e-5)
    assert np.std(wide[0] - wide[1]) > 0.5 * np.std(mono[0])


def test_what_is_excited_has_more_above_and_the_same_below() -> None:
    def shares(audio: Audio) -> tuple[float, float]:
        power = np.abs(np.fft.rfft(audio[0])) ** 2
        hertz = np.fft.rfftfreq(audio.shape[1], 1 / RATE)
        return power[(hertz > 60) & (hertz < 800)].sum(), power[hertz > 8000].sum()

    dull = np.cumsum(noise(), axis=1) * np.float32(0.03)  # falls by 6 dB an octave
    for seed in range(3):
        bright = effects.excited(np.random.default_rng(seed), dull)
        (low, high), (low_after, high_after) = shares(dull), shares(bright)
        assert high_after > 1.5 * high
        np.testing.assert_allclose(low_after, low, rtol=0.3)
        assert not effects.excited(np.random.default_rng(seed), np.zeros_like(dull)).any()


def test_echoes_come_after_the_sound_and_never_before_it() -> None:
    click = np.zeros((2, 5 * RATE), np.float32)
    click[:, RATE] = 1
    for seed in range(4):
        out = effects.echoed(np.random.default_rng(seed), click, 0.5)
        assert not out[:, :RATE].any()
        assert out.shape == click.shape
        heard = np.flatnonzero(np.abs(out).sum(axis=0)) / RATE - 1
        assert len(heard) == 5
        np.testing.assert_allclose(np.diff(heard), heard[1], atol=1e-3)


def test_pumping_ducks_at_the_kicks_and_comes_back() -> None:
    steady = np.ones((2, 2 * RATE), np.float32)
    out = effects.pumped(np.random.default_rng(0), steady, [0.5, 99.0], 0.25)
    np.testing.assert_allclose(out[:, RATE // 4 : RATE // 2 - 400], 1, atol=1e-3)
    assert out[:, RATE // 2 + 200].max() < 0.75
    assert out[:, 2 * RATE - 400].min() > 0.99


def test_an_amplifier_makes_overtones_and_its_loudspeaker_ends_early() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)).astype(np.float32)[None].repeat(2, axis=0)
    out = effects.effects(tone, *effects.amplifier(np.random.default_rng(0)))
    spectrum = np.abs(np.fft.rfft(out[0] * np.hanning(RATE)))
    assert spectrum[655:665].max() > 0.02 * spectrum[215:225].max()
    assert spectrum[12000:].max() < 1e-3 * spectrum.max()
