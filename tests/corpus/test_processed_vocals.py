"""Properties of treated voices, on a buzz in syllables: the same for the same number, whole, shaped by the voice."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
import pytest
import soundfile

from unbraid.corpus.audio_files import RATE, Audio
from unbraid.corpus.building.shards import encode
from unbraid.corpus.singing import processed_vocals
from unbraid.corpus.singing.processed_vocals import ProcessedVocals
from unbraid.corpus.singing.voices import VOICES
from unbraid.corpus.sources.folders import MaterialFolders

SECONDS = 6.0


@pytest.fixture(scope="module")
def spoken() -> Audio:
    """Twenty seconds of "ma ma": a buzz at 140 Hz that swells twice a second."""
    time = np.arange(20 * RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * number * time) / number for number in range(1, 40))
    spoken: Audio = (0.2 * buzz * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)).astype(np.float32)
    return spoken


@pytest.fixture(scope="module")
def material(spoken: Audio, tmp_path_factory: pytest.TempPathFactory) -> MaterialFolders:
    """A folder in which all voices say that."""
    place, opus = tmp_path_factory.mktemp("voices"), encode(spoken[None], 96)
    for voice in VOICES:
        folder = place / voice.record
        folder.mkdir(parents=True, exist_ok=True)
        if voice.kind == "solos":
            soundfile.write(folder / "a.wav", spoken, RATE)
        else:
            (folder / f"{voice.prefix[:1] or 'a'}.opus").write_bytes(opus)
    return MaterialFolders((place,))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processed_vocals, "SECONDS", SECONDS)
    monkeypatch.setattr(processed_vocals, "EXCERPT", SECONDS)


@pytest.mark.parametrize("number", range(6))
def test_a_phrase_is_whole_and_the_same_for_the_same_number(number: int, material: MaterialFolders) -> None:
    phrase = ProcessedVocals(number).render(material)
    assert phrase.shape == (2, int(SECONDS * RATE))
    assert np.isfinite(phrase).all()
    assert np.abs(phrase).max() == pytest.approx(processed_vocals.PEAK)
    assert np.array_equal(phrase, ProcessedVocals(number).render(material))


def test_held_out_phrases_have_held_out_voices(material: MaterialFolders) -> None:
    chosen = {ProcessedVocals(number): ProcessedVocals(number).voice(material) for number in range(60)}
    assert all(phrase.split == voice.split for phrase, voice in chosen.items())
    assert "kokoro" in {voice.name for voice in chosen.values()}
    assert {ProcessedVocals(number).split for number in range(10)} == {"train", "valid"}


def test_a_voice_without_recordings_does_not_sing(material: MaterialFolders, tmp_path: Path) -> None:
    copytree(material.find("voices").parent, tmp_path / "fewer", ignore=ignore_patterns("kokoro"))
    material = MaterialFolders((tmp_path / "fewer",))
    assert not {ProcessedVocals(number).voice(material).record for number in range(60)} & {"voices/kokoro"}


def test_a_vocoder_is_silent_where_the_voice_is(spoken: Audio, material: MaterialFolders) -> None:
    rng = np.random.default_rng(0)
    said = spoken * (np.arange(len(spoken)) < 3 * RATE)
    loud = processed_vocals._vocoded(rng, said, processed_vocals._plan(rng), 6 * RATE)
    assert np.square(loud[:, 4 * RATE :]).mean() < 1e-4 * np.square(loud[:, : 3 * RATE]).mean()


def test_chops_are_loud_and_begin_without_a_step(spoken: Audio, material: MaterialFolders) -> None:
    rng = np.random.default_rng(1)
    chops = processed_vocals._chopped(rng, spoken, processed_vocals._plan(rng), 6 * RATE)
    assert np.abs(chops).max() > 0.5
    assert not chops[:, 0].any()


def test_the_singer_rests_in_bars_without_a_chord(material: MaterialFolders) -> None:
    rng = np.random.default_rng(2)
    plan = replace(processed_vocals._plan(rng), tempo=120.0)
    plan = replace(plan, chords=[plan.chords[0], None, plan.chords[0]])
    heard = processed_vocals._open(plan, 6 * RATE)
    assert heard[: int(1.9 * RATE)].min() > 0.49
    assert not heard[int(2.1 * RATE) : int(3.9 * RATE)].any()
