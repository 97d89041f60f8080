"""Properties of render-time mixing: levels are met, silence stays silence, sums stay below full scale."""

import numpy as np
import pytest

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Note, Part
from unbraid.corpus.production import mixing


def noise(seed: int, seconds: float = 1.0) -> Audio:
    return np.random.default_rng(seed).normal(0, 0.1, (2, int(seconds * RATE))).astype(np.float32)


def test_a_stem_put_at_a_level_has_it_and_its_pauses_do_not_count() -> None:
    half_silent = noise(1)
    half_silent[:, RATE // 2 :] = 0
    for stem in (noise(1), half_silent):
        assert mixing.loudness(mixing.at_level(stem, -23.0)) == pytest.approx(-23.0, abs=0.1)


def test_silence_stays_silence() -> None:
    silence = np.zeros((2, RATE), np.float32)
    assert not mixing.at_level(silence, -10).any()
    assert not any(stem.any() for stem in mixing.balance({"drums": silence}).values())


def test_balance_scales_all_stems_alike_and_keeps_the_sum_below_the_peak() -> None:
    stems = {"vocals": noise(1) * 9, "drums": noise(2), "bass": noise(3)[:1]}
    balanced = mixing.balance(stems, 0.8)
    total = np.sum([np.broadcast_to(stem, (2, RATE)) for stem in balanced.values()], axis=0)
    assert max(np.abs(total).max(), *(np.abs(stem).max() for stem in balanced.values())) == pytest.approx(0.8, abs=1e-5)
    factors = {round(float(balanced[name].std() / stems[name].std()), 5) for name in stems}
    assert len(factors) == 1


def test_polishing_deepens_rhythm_widens_voices_and_leaves_pianos_alone() -> None:
    def below_60_hz(audio: Audio) -> float:
        power = np.abs(np.fft.rfft(audio[0])) ** 2
        return float(power[: 60 * audio.shape[1] // RATE].sum())

    mono = np.repeat(noise(1)[:1], 2, axis=0)
    whole = dict.fromkeys(("vocals", "drums", "bass", "piano", "other"), mono)
    songs = [mixing.match_record_tonality(np.random.default_rng(seed), whole) for seed in range(12)]
    for song in songs:
        assert all(stem.shape == mono.shape and np.isfinite(stem).all() for stem in song.values())
        assert np.array_equal(song["piano"], mono)
    for source in ("vocals", "other"):
        assert max(float(np.std(song[source][0] - song[source][1])) for song in songs) > 0.01
    lows = [{source: below_60_hz(song[source]) / below_60_hz(mono) for source in ("drums", "bass")} for song in songs]
    for source in ("drums", "bass"):
        assert max(low[source] for low in lows) > 1.5
    assert all(min(low.values()) <= 1 for low in lows)  # one makes room for the other
    assert any(min(low.values()) < 0.7 < 1.5 < max(low.values()) for low in lows)
    alone = [mixing.match_record_tonality(np.random.default_rng(seed), {"drums": mono})["drums"] for seed in range(12)]
    assert min(map(below_60_hz, alone)) == below_60_hz(mono)  # nothing to give way to


def test_panning_keeps_the_power() -> None:
    mono = noise(1)[0]
    for position in (-1.0, -0.3, 0.0, 0.8):
        sides = mixing.pan(mono, position)
        assert (sides**2).sum() == pytest.approx(2 * (mono**2).sum(), rel=1e-4)


@pytest.mark.parametrize("source", ["bass", "drums", "piano", "other"])
def test_an_instrument_keeps_its_length_and_sounds_alike_for_the_same_seed(source: str) -> None:
    part = Part("x", 30, False, [Note(0, 1, 60, 90)])
    for seed in range(3):
        one, two = (mixing.instrument_chain(np.random.default_rng(seed), source, part, noise(1, 0.3)) for _ in range(2))
        assert one.shape == (2, int(0.3 * RATE))
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)
