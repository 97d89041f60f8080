from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import noise
from unbraid.errors import InputError
from unbraid.evaluation.dataset import find_songs, fold
from unbraid.stems import STEMS

RATE = 44_100


def write(folder: Path, **stems: int) -> Path:
    folder.mkdir(parents=True)
    for seed, (name, samples) in enumerate(stems.items()):
        soundfile.write(folder / f"{name}.wav", noise(2, samples, seed).T, RATE, subtype="FLOAT")
    return folder


def test_a_missing_file_is_a_silent_stem_and_a_short_one_is_padded(tmp_path: Path) -> None:
    write(tmp_path / "song", vocals=5_000, drums=4_000)
    (song,) = find_songs(tmp_path)
    stems = song.references(RATE, 2)
    assert stems.shape == (5, 2, 5_000)
    assert np.array_equal(stems[0], noise(2, 5_000, 0))
    assert not stems[STEMS.index("drums"), :, 4_000:].any()
    assert not stems[STEMS.index("piano")].any()


def test_a_mixture_that_is_the_sum_is_accepted_and_another_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "song", vocals=5_000, bass=5_000)
    total = noise(2, 5_000, 0) + noise(2, 5_000, 1)
    soundfile.write(folder / "mixture.wav", total.T, RATE, subtype="FLOAT")
    (song,) = find_songs(tmp_path)
    assert np.allclose(song.references(RATE, 2).sum(0), total, atol=1e-6)
    (folder / "bass.wav").unlink()
    with pytest.raises(InputError, match="not the sum of the stems"):
        find_songs(tmp_path)[0].references(RATE, 2)


def test_stems_are_converted_to_the_models_rate_and_channels(tmp_path: Path) -> None:
    write(tmp_path / "song", vocals=RATE)
    (song,) = find_songs(tmp_path)
    assert song.references(22_050, 1).shape == (5, 1, 22_050)


def test_songs_are_found_by_name_and_other_files_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "b", other=100)
    write(tmp_path / "a", piano=100)
    (tmp_path / "cover").mkdir()
    (tmp_path / "cover" / "vocals.jpg").write_bytes(b"a picture")
    (tmp_path / "notes.txt").write_text("not a song")
    assert [song.name for song in find_songs(tmp_path)] == ["a", "b"]


def test_a_song_whose_stems_are_not_told_apart_is_not_scored(tmp_path: Path) -> None:
    write(tmp_path / "song", **{"vocals": 100, "piano+other": 100})
    (song,) = find_songs(tmp_path)
    with pytest.raises(InputError, match="does not separate piano and other"):
        song.references(RATE, 2)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_songs_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no songs"):
        find_songs(tmp_path / name)


def test_what_a_network_has_no_name_for_goes_to_the_rest() -> None:
    stems = np.arange(1, 6, dtype=np.float32).reshape(5, 1, 1)
    assert fold(stems, STEMS).ravel().tolist() == [1, 2, 3, 4, 5]
    assert fold(stems, ("bass", "drums", "other", "vocals")).ravel().tolist() == [3, 2, 9, 1]
    assert fold(stems, ("accompaniment", "vocals")).ravel().tolist() == [14, 1]


def test_a_pattern_takes_some_of_the_songs(tmp_path: Path) -> None:
    for name in ("real-a", "real-b", "song-1"):
        write(tmp_path / name, vocals=100)
    assert [song.name for song in find_songs(tmp_path / "real-*")] == ["real-a", "real-b"]
    with pytest.raises(InputError, match="no songs"):
        find_songs(tmp_path / "voice-*")
