"""Recordings of a source become songs of the stem that they are, once every file of them lies there."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus.audio_files import RATE
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.origins import Repository
from unbraid.corpus.sources.solos import solos
from unbraid.corpus.sources.source import Recording, Source

TAKES = ("takes/my song.wav", "takes/cello.wav")


def source(*recordings: Recording, flat: bool = True, rests: bool = False) -> Source:
    origin = (Repository("ann/songs", "c0ffee", flat=flat),)
    return Source("solos/demo", "MIT", "Ann", origin, recordings=recordings, rests=rests)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files of the source lie."""
    folder = tmp_path / "solos/demo"
    folder.mkdir(parents=True)
    soundfile.write(folder / "my song.wav", np.full(RATE, 0.25, np.float32), RATE)
    soundfile.write(folder / "cello.wav", np.full(RATE // 2, 0.5, np.float32), RATE)
    return folder


def test_each_file_is_a_song_of_one_stem(folder: Path, material: MaterialFolders) -> None:
    takes = source(Recording("vocals", TAKES[:1]), Recording("other", TAKES[1:], split="valid"))
    voice, cello = solos(takes, material)
    assert [(solo.id, solo.split) for solo in (voice, cello)] == [
        ("solo:demo/my song", "train"),
        ("solo:demo/cello", "valid"),
    ]
    assert voice.song().name == "demo-my song"
    assert {stem: audio.shape for stem, audio in voice.song().read().items()} == {"vocals": (2, RATE)}
    (folder / "my song.wav").unlink()
    assert [solo.id for solo in solos(takes, material)] == ["solo:demo/cello"]


@pytest.mark.usefixtures("folder")
def test_several_files_can_be_one_recording(material: MaterialFolders) -> None:
    (solo,) = solos(source(Recording("vocals", TAKES, name="all")), material)
    assert (solo.id, [path.name for path in solo.files]) == ("solo:demo/all", ["my song.wav", "cello.wav"])
    assert solo.song().read()["vocals"].shape == (2, 2 * RATE)  # half a second of silence between them


def test_a_track_that_rests_is_a_solo_without_its_silence(folder: Path, material: MaterialFolders) -> None:
    take = np.pad(np.full(RATE, 0.25, np.float32), (9 * RATE, 9 * RATE))
    soundfile.write(folder / "my song.wav", take, RATE)
    (solo,) = solos(source(Recording("vocals", TAKES[:1]), rests=True), material)
    assert solo.song_name == "takes"
    assert solo.song().read()["vocals"].shape[1] < 3 * RATE


def test_the_samples_of_a_folder_can_be_one_recording(folder: Path, material: MaterialFolders) -> None:
    pack = source(Recording("vocals", ("am/*.wav",), name="am", leave_out=("*(Talk)*",)), flat=False)
    assert solos(pack, material) == []
    (folder / "am").mkdir()
    for name in ("One", "Two", "Three (Talk)"):
        soundfile.write(folder / "am" / f"{name}.wav", np.full(RATE, 0.25, np.float32), RATE)
    (solo,) = solos(pack, material)
    voice = solo.song().read()["vocals"]
    assert voice.shape == (2, 2 * RATE + RATE // 2), "two samples and the pause between them: talk is left out"
    assert not voice[:, RATE + 1_000 : RATE + RATE // 2 - 1_000].any()
