"""A clean corpus is clean; each fault is found and named; licences are checked."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus.audio_files import RATE, Audio, read, write_song
from unbraid.corpus.building import manifest
from unbraid.corpus.building.catalogue import Material
from unbraid.corpus.building.verify import song_problems
from unbraid.errors import CorpusError

KNOWN = {"voice:ann": "train", "voice:bob": "valid", "sfz:piano": "train"}


def noise(level: float = 0.1, seed: int = 0) -> Audio:
    return (level * np.random.default_rng(seed).uniform(-1, 1, (2, RATE // 4))).astype(np.float32)


def song(root: Path, split: str = "train", materials: tuple[str, ...] = ("voice:ann",)) -> Path:
    place = root / split / "song-1"
    record = {"kind": "styled", "materials": {"vocals": list(materials), "piano": ["sfz:piano", "synthesised"]}}
    write_song(place, {"vocals": noise(seed=1), "piano": noise(seed=2)[:1]}, {"song.json": json.dumps(record)})
    return place


def test_a_good_song_has_no_problems(tmp_path: Path) -> None:
    assert list(song_problems(song(tmp_path), KNOWN)) == []


def test_a_validation_voice_in_a_training_song_is_a_leak(tmp_path: Path) -> None:
    (problem,) = song_problems(song(tmp_path, materials=("voice:bob",)), KNOWN)
    assert "voice:bob" in problem
    assert "leaked into train" in problem


def test_unknown_material_is_a_problem(tmp_path: Path) -> None:
    (problem,) = song_problems(song(tmp_path, materials=("voice:eve",)), KNOWN)
    assert "voice:eve" in problem


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("drums.flac", np.zeros((RATE // 4, 1)), "drums is silent"),
        ("drums.flac", np.sign(np.sin(np.arange(RATE // 4) / 50)), "drums is clipped"),
        ("drums.flac", 0.1 * np.ones((RATE // 8, 1)), "differ in length"),
        ("Drum kit.flac", 0.1 * np.ones((RATE // 4, 1)), "misnamed"),
        ("drums.wav", 0.1 * np.ones((RATE // 4, 1)), "misnamed"),
    ],
)
def test_a_faulty_file_is_named(tmp_path: Path, file: str, content: np.ndarray, said: str) -> None:
    place = song(tmp_path)
    soundfile.write(place / file, content, RATE)
    assert any(said in problem and "song-1" in problem for problem in song_problems(place, KNOWN))


def test_a_file_that_is_no_audio_is_named(tmp_path: Path) -> None:
    place = song(tmp_path)
    (place / "vocals.flac").write_bytes(b"nothing")
    assert any("vocals.flac" in problem for problem in song_problems(place, KNOWN))


def test_a_written_song_reads_back_the_same_without_its_silent_stems(tmp_path: Path) -> None:
    stems = {"vocals": noise(seed=3), "bass": noise(seed=4)[:1], "drums": np.zeros((2, RATE // 4), np.float32)}
    write_song(tmp_path / "song", stems)
    assert {path.name for path in (tmp_path / "song").iterdir()} == {"vocals.flac", "bass.flac"}
    for source in ("vocals", "bass"):
        np.testing.assert_allclose(read(tmp_path / "song" / f"{source}.flac"), stems[source], atol=1e-4)


def test_a_song_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="guitar"):
        write_song(tmp_path / "song", {"guitar": noise()})
    with pytest.raises(CorpusError, match="length"):
        write_song(tmp_path / "song", {"vocals": noise(), "bass": noise()[:, :100]})
    assert not (tmp_path / "song").exists()


def test_a_manifest_line_says_licence_makers_and_digest_of_a_stem(tmp_path: Path) -> None:
    known = {
        "voice:ann": Material("voice:ann", "voice", "vocals", "CC0-1.0", "Ann", "train"),
        "sfz:piano": Material("sfz:piano", "instrument", "piano", "CC-BY-3.0", "Paul", "train"),
        "synthesised": Material("synthesised", "synthesiser", "band", "MIT", "us", "both"),
    }
    known["style:swing"] = Material("style:swing", "style", "band", "GPL-2.0-or-later", "MMA", "train")
    piano, vocals = manifest.song_lines(song(tmp_path, materials=("voice:ann", "style:swing")), known)
    assert vocals["materials"] == ["voice:ann", "style:swing"]
    assert (vocals["licence"], vocals["attribution"], vocals["split"]) == ("CC0-1.0", "Ann; MMA", "train")
    assert piano["licence"] == "CC-BY-3.0 AND MIT"
    assert len(str(piano["sha256"])) == 64
    with pytest.raises(CorpusError, match="not in the catalogue"):
        manifest.song_lines(tmp_path / "train" / "song-1", {})


def test_a_song_that_does_not_say_what_it_was_made_of_is_named(tmp_path: Path) -> None:
    place = song(tmp_path)
    (place / "song.json").write_text("{}")
    with pytest.raises(CorpusError, match=r"song-1.song\.json"):
        manifest.song_lines(place, {})
    assert any("song.json" in problem for problem in song_problems(place, KNOWN))


def test_a_folder_that_is_no_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"manifest\.jsonl is missing"):
        manifest.read(tmp_path / manifest.NAME)
    for line in ("torn", "[]", '{"id": "song/bass"}'):
        (tmp_path / manifest.NAME).write_text(line)
        with pytest.raises(CorpusError, match=r"manifest\.jsonl is not a manifest"):
            manifest.read(tmp_path / manifest.NAME)
