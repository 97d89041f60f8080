"""Properties of written music: in the key, in time, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unbraid.corpus.composing import accompaniment, melody, sequencer
from unbraid.corpus.composing.harmony import Chord, Key, progression, random_key
from unbraid.corpus.composing.notes import Note, Part

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_progression_stays_in_its_key_but_for_the_leading_note(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key = random_key(rng)
    allowed = {*key.scale, (key.tonic + 11) % 12}
    chords = progression(rng, key, 8)
    assert len(chords) == 8
    assert all(set(chord.tones) <= allowed for chord in chords)


@given(SEEDS, st.sampled_from(("slow", "medium", "fast")))
@settings(max_examples=40, deadline=None)
def test_a_melody_keeps_to_chords_and_scale_in_range_and_rests_where_it_should(seed: int, density: str) -> None:
    rng = np.random.default_rng(seed)
    key = random_key(rng)
    chords: list[Chord | None] = [*progression(rng, key, 4), None, None, None, None, *progression(rng, key, 4)]
    tune = melody.compose(rng, key, chords, 4, 66.0, density)
    assert [note.beat for note in tune] == sorted(note.beat for note in tune)
    for note in tune:
        chord = chords[int(note.beat // 4)]
        assert chord is not None
        assert note.pitch % 12 in {*key.scale, *chord.tones}
        assert note.beats > 0
        assert 48 <= note.pitch <= 84


def test_a_harmony_moves_each_note_by_steps_of_the_scale() -> None:
    key = Key(0, "major")
    tune = [melody.SungNote(0, 1, 60), melody.SungNote(1, 1, 64)]
    assert [note.pitch for note in melody.harmonise(tune, key, 2)] == [64, 67]
    assert [note.pitch for note in melody.harmonise(tune, key, -7)] == [48, 52]


@pytest.mark.parametrize(
    ("program", "is_drum", "source"),
    [(0, False, "piano"), (5, False, "piano"), (6, False, "other"), (33, False, "bass"), (27, False, "other"),
     (0, True, "drums"), (117, False, "drums")],
)  # fmt: skip
def test_a_part_belongs_to_a_source_by_its_program(program: int, is_drum: bool, source: str) -> None:
    assert Part("Bass-6", program, is_drum, [Note(0, 1, 60, 90)]).source == source


@given(st.lists(st.integers(0, 127), min_size=1), st.integers(20, 50), st.integers(12, 40))
def test_a_part_folded_into_a_range_keeps_its_pitch_classes(pitches: list[int], low: int, width: int) -> None:
    part = Part("x", 0, False, [Note(0, 1, pitch, 90) for pitch in pitches]).within(low, low + width)
    assert all(low <= note.pitch <= low + width for note in part.notes)
    assert [note.pitch % 12 for note in part.notes] == [pitch % 12 for pitch in pitches]


def test_programmed_parts_fit_their_bars_and_are_the_same_for_the_same_seed() -> None:
    chords = progression(np.random.default_rng(1), Key(2, "minor"), 8)
    for write in (sequencer.bass, sequencer.power_chords):
        first, second = (write(np.random.default_rng(4), chords, 120.0) for _ in range(2))
        assert first == second
        assert all(0 <= note.start < note.end <= 8 * 2.0 + 1e-6 for note in first.notes)
    beat = sequencer.drums(np.random.default_rng(4), 8, 120.0, 4)
    assert max(note.start for note in beat.notes) < 8 * 2.0
    assert any(note.pitch == 36 for note in beat.notes)


def test_mma_keeps_a_tempo_between_two_whole_ones() -> None:
    groove = accompaniment.Style(Path("stdlib/8beat.mma"), ("8Beat",), None)
    bars, tempo = 24, 93.7
    chords = [Chord(0, "")] * bars
    parts, beats = accompaniment.play(np.random.default_rng(0), groove, Key(0, "major"), chords, tempo, bars)
    bar = beats * 60 / tempo
    starts = np.array([note.start for part in parts if part.source == "drums" for note in part.notes])
    assert np.abs(starts - (bars - 1) * bar).min() < 0.03, "nobody plays on the first beat of the last bar"
    assert starts.max() < bars * bar
