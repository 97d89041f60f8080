"""Properties of instruments that need no samples: right pitch, right length, silence where nobody plays."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.composing.notes import Note, Part
from unbraid.corpus.playing import bass_808, synths
from unbraid.corpus.playing.drum_machines import DrumMachine
from unbraid.corpus.playing.percussion import strike
from unbraid.corpus.playing.sfz import SfzInstrument, SfzKit, _reproducible

PATCHES = {
    "bass": synths.random_bass, "lead": synths.random_lead, "pluck": synths.random_pluck, "pad": synths.random_pad,
    "electric piano": synths.random_electric_piano, "sweep": synths.random_sweep,
}  # fmt: skip


@pytest.mark.parametrize("name", PATCHES)
def test_a_synthesiser_plays_when_it_should_and_alike_for_the_same_seed(name: str) -> None:
    part = Part(name, 0, False, [Note(0.5, 0.8, 57, 100)])
    first, second = (PATCHES[name](np.random.default_rng(7)).render(part, RATE) for _ in range(2))
    assert first.shape == (2, RATE)
    assert np.isfinite(first).all()
    assert not first[:, : RATE // 2].any()
    assert np.abs(first[:, RATE // 2 :]).max() > 1e-3
    np.testing.assert_array_equal(first, second)


def test_a_lead_sounds_at_the_pitch_of_its_note_and_does_not_alias() -> None:
    rng = np.random.default_rng(0)
    patch = synths._patch(rng, wave="saw", cutoff=12000.0, sweep=0.0, drive=0.0, sustain=1.0)
    tone = patch.render(Part("x", 80, False, [Note(0, 1, 81, 127)]), RATE)[0]
    spectrum = np.abs(np.fft.rfft(tone[4410:-4410] * np.hanning(len(tone) - 8820)))
    hertz = np.fft.rfftfreq(len(tone) - 8820, 1 / RATE)
    assert abs(hertz[spectrum.argmax()] - 880) < 3
    between = (np.abs(hertz % 880 - 440) < 200) & (hertz < 18000)
    assert spectrum[between].max() < spectrum.max() * 1e-2


def test_every_piece_of_a_drum_machine_sounds_and_two_seeds_differ() -> None:
    beat = Part("drums", 0, True, [Note(0.1, 0.2, pitch, 110) for pitch in (36, 38, 42, 46, 49, 51, 45)])
    one, other = (DrumMachine(seed).render(beat, RATE) for seed in (1, 2))
    assert np.abs(one).max() > 0.1
    assert not np.allclose(one, other)
    for pitch in (36, 37, 38, 39, 42, 46, 49, 51, 56, 45):
        assert np.abs(DrumMachine(1).render(Part("d", 0, True, [Note(0, 1, pitch, 100)]), RATE // 2)).max() > 1e-3


def test_a_closed_hat_chokes_an_open_one() -> None:
    ring = np.ones((2, RATE), np.float32)

    def hit(piece: str, velocity: int) -> Audio | None:
        return ring if piece == "open" else None

    struck = strike(Part("d", 0, True, [Note(0, 1, 46, 127), Note(0.25, 0.3, 42, 127)]), RATE, hit)
    assert struck[:, : RATE // 5].all()
    assert not struck[:, RATE // 4 + 1 :].any()


def test_the_chances_of_an_sfz_become_a_controller_that_covers_all_values() -> None:
    regions = "<region> hirand=0.333\n<region> lorand=0.333 hirand=0.666\n<region> lorand=0.666 amp_random=3"
    text = _reproducible(regions)
    assert "rand" not in text
    edges = [(0, 42), (43, 84), (85, 127)]
    for low, high in edges:
        assert (f"locc20={low}" in text) == (low > 0)
        assert (f"hicc20={high}" in text) == (high < 127)


def test_an_sfz_keeps_where_its_samples_lie_and_plays_from_memory(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    time = np.arange(3 * RATE) / RATE  # longer than what sfizz reads ahead
    soundfile.write(tmp_path / "notes" / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * time), RATE)
    region = "<region> sample=a.wav pitch_keycenter=69 ampeg_release=0.01"
    (tmp_path / "tone.sfz").write_text(f"<control>\ndefault_path=notes/\n{region}\n")
    (tmp_path / "plain.sfz").write_text(region.replace("a.wav", "notes/a.wav"))
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "below.sfz").write_text(region.replace("a.wav", "../notes/a.wav"))
    names = ("tone.sfz", "plain.sfz", "programs/below.sfz")
    part = Part("x", 0, False, [Note(0.1, 2.9, 69, 127)])
    first, *more = (SfzInstrument(tmp_path / name, 0, 127).render(part, 3 * RATE) for name in names)
    assert np.abs(first[:, 2 * RATE : int(2.8 * RATE)]).max() > 0.05
    for again in more:
        np.testing.assert_array_equal(first, again)


def test_a_kit_in_included_files_plays_the_pieces_that_it_has_on_its_own_keys(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    soundfile.write(tmp_path / "thud.wav", np.full(RATE // 4, 0.5), RATE)
    (tmp_path / "maps" / "kick.txt").write_text("<region> sample=thud.wav key=$KICK lorand=0 hirand=0.5\n")
    (tmp_path / "kit.sfz").write_text(
        '#define $KICK 60\n//#include "gone.txt"\n#include "maps\\kick.txt"\n#include "gone.txt"\n'
    )
    kit = SfzKit(tmp_path / "kit.sfz", (("kick", 60),))
    snare, kicks = (
        Note(0.1, 0.2, 38, 110),
        [Note(0.5 + 0.25 * number, 0.6 + 0.25 * number, 36, 110) for number in range(8)],
    )
    played = kit.render(Part("d", 0, True, [snare, *kicks]), 3 * RATE)
    assert not played[:, : RATE // 2].any()
    sounding = sum(played[:, int(kick.start * RATE) :][:, : RATE // 5].any() for kick in kicks)
    assert 0 < sounding < len(kicks)  # the chances of what is included are drawn by us too
    assert np.array_equal(played, kit.render(Part("d", 0, True, [snare, *kicks]), 3 * RATE))


def test_a_name_of_definitions_is_included_by_sfizz(tmp_path: Path) -> None:
    (tmp_path / "soft.txt").write_text("<region> sample=thud.wav key=60\n")
    soundfile.write(tmp_path / "thud.wav", np.full(RATE // 4, 0.5), RATE)
    (tmp_path / "one.sfz").write_text('#define $HOW soft\n#include "$HOW.txt"\n')
    played = SfzInstrument(tmp_path / "one.sfz", 0, 127).render(Part("x", 0, False, [Note(0.1, 0.3, 60, 110)]), RATE)
    assert np.abs(played).max() > 0.05


def test_a_struck_bass_is_low_loud_and_the_same_for_the_same_number() -> None:
    phrase = bass_808.phrase(3)
    assert np.array_equal(phrase, bass_808.phrase(3))
    assert not np.array_equal(phrase, bass_808.phrase(4))
    assert np.abs(phrase).max() == pytest.approx(bass_808.PEAK)
    power = np.abs(np.fft.rfft(phrase[0])) ** 2
    assert power[: int(200 * bass_808.SECONDS)].sum() > 0.9 * power.sum()


def test_most_beats_leave_the_lows_to_the_bass_and_some_do_not() -> None:
    below = []
    for number in range(8):
        power = np.abs(np.fft.rfft(bass_808.drums(number).mean(0))) ** 2
        below.append(power[: int(50 * bass_808.SECONDS)].sum() / power.sum())
    assert 4 <= sum(share < 0.02 for share in below) < 8


def test_kicks_fall_on_strokes_of_the_bass() -> None:
    rhythm = bass_808.Rhythm.draw(np.random.default_rng([808, 3]))
    drums = bass_808.drums(3)
    assert np.array_equal(drums, bass_808.drums(3))
    assert drums.shape == (2, bass_808.phrase(3).shape[1])
    deep = np.fft.rfft(drums.mean(0))
    deep[int(100 * bass_808.SECONDS) :] = 0  # above 100 Hz: what is left are kicks
    power = np.fft.irfft(deep, drums.shape[1]) ** 2
    starts = [int(hit * rhythm.step * RATE) for hit in rhythm.hits]
    struck = np.median([power[start : start + RATE // 10].mean() for start in starts])
    before = np.median([power[start - RATE // 50 : start].mean() for start in starts[1:]])
    assert struck > 10 * before
