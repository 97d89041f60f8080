"""Properties of singing, on a voice made of pulses: the notes are hit, and rests are silent."""

import numpy as np
import pytest

from unbraid.corpus.audio_files import Audio
from unbraid.corpus.composing.melody import SungNote
from unbraid.corpus.singing.singer import Singer, sing
from unbraid.corpus.singing.syllables import RATE, Speech, analyse
from unbraid.corpus.singing.world import vocoder

PLAIN = Singer(1.0, 0.0, 1.0, 0.0, 5.5, 0.0, 0.3, 0.03, 0.5, 0.0, 0.0)


@pytest.fixture(scope="module")
def spoken() -> Audio:
    """Eight "ma": harmonics of 130 Hz under a vowel's resonances, in syllables of a third of a second."""
    time = np.arange(int(2.0 * RATE)) / RATE
    number = np.arange(1, 60)[:, None]
    hertz = 130.0 * number
    weight = sum(1 / (1 + ((hertz - formant) / 120) ** 2) for formant in (700, 1200, 2600))
    voice = (weight * np.sin(2 * np.pi * hertz * time)).sum(axis=0)
    swell = np.clip(np.sin(2 * np.pi * 3 * time), 0.02, 1)
    spoken: Audio = (0.1 * voice * swell).astype(np.float32)
    return spoken


@pytest.fixture(scope="module")
def speech(spoken: Audio) -> Speech:
    return analyse(spoken)


def test_speech_is_cut_into_its_syllables(speech: Speech) -> None:
    assert 4 <= len(speech.syllables) <= 7
    assert speech.median_pitch == pytest.approx(130, rel=0.02)
    for syllable in speech.syllables:
        assert syllable.start <= syllable.vowel_start < syllable.vowel_end <= syllable.end


def test_a_singer_hits_the_notes_and_is_silent_in_the_rests(speech: Speech) -> None:
    pyworld = vocoder()
    tune = [SungNote(1, 1, 57), SungNote(2, 1, 60), SungNote(5, 1, 64)]
    sung = sing(np.random.default_rng(3), speech, tune, 0.5, 4.0, PLAIN)
    assert sung.shape == (4 * RATE,)
    pitch, times = pyworld.dio(sung.astype(np.float64), RATE)
    for note in tune:
        middle = pitch[(times > (note.beat + 0.4) * 0.5) & (times < (note.beat + 0.8) * 0.5)]
        wanted = 440 * 2 ** ((note.pitch - 69) / 12)
        assert np.median(middle[middle > 0]) == pytest.approx(wanted, rel=0.03)
    rest = sung[int(2.0 * RATE) : int(2.3 * RATE)]
    assert np.abs(rest).max() < 0.02 * np.abs(sung).max()


def test_a_band_limited_voice_gets_its_highs_back(spoken: Audio) -> None:
    full, limited = analyse(spoken), analyse(spoken, band_limit=11500)
    high = slice(int(0.6 * full.envelope.shape[1]), None)
    assert (limited.breath[:, high] >= 0.95).all()
    np.testing.assert_array_equal(full.envelope[:, :400], limited.envelope[:, :400])


def test_the_same_seed_sings_the_same(speech: Speech) -> None:
    tune = [SungNote(0.5, 1, 60), SungNote(2, 1, 62)]
    one, two = (sing(np.random.default_rng(5), speech, tune, 0.5, 2.0, PLAIN) for _ in range(2))
    np.testing.assert_array_equal(one, two)
