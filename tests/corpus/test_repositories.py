"""Files of public repositories are fetched once, whole or not at all, and become songs of the stem that they are."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus import licences
from unbraid.corpus.audio_files import RATE
from unbraid.corpus.catalogue import HELD_OUT_SONGS
from unbraid.corpus.repositories import COLLECTIONS, Collection, SamplePack
from unbraid.errors import CorpusError

DEMO = Collection("demo", "ann/songs", "c0ffee", {"takes/my song.wav": "vocals", "takes/cello.wav": "other"})

PACK = SamplePack(
    "pack", "ann/pack", "c0ffee", {"am": "vocals", "cm": "vocals"}, frozenset({"cm"}), left_out=("*(Talk)*",)
)


@pytest.fixture
def host(tmp_path: Path) -> str:
    takes = tmp_path / "host" / "ann" / "songs" / "c0ffee" / "takes"
    takes.mkdir(parents=True)
    soundfile.write(takes / "my song.wav", np.full(RATE, 0.25, np.float32), RATE)
    soundfile.write(takes / "cello.wav", np.full(RATE // 2, 0.5, np.float32), RATE)
    pack = tmp_path / "host" / "ann" / "pack" / "c0ffee"
    listed = {"am": ["am/One.wav", "am/Two.wav", "am/Three (Talk).wav"], "cm": ["cm/One.wav"]}
    for path in (path for paths in listed.values() for path in paths):
        (pack / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(pack / path, np.full(RATE, 0.25, np.float32), RATE)
    (pack / "strudel.json").write_text(json.dumps(listed))
    return (tmp_path / "host").as_uri()


def test_what_is_fetched_becomes_songs(host: str) -> None:
    assert DEMO.solos() == []
    assert DEMO.fetch(host) == 2
    solos = DEMO.solos()
    assert [solo.id for solo in solos] == ["solo:demo/my song", "solo:demo/cello"]
    song = solos[0].song()
    assert (song.name, song.split) == ("demo-my song", "train")
    stems = song.read()
    assert stems.keys() == {"vocals"}
    assert stems["vocals"].shape == (2, RATE)


def test_what_lies_there_is_not_fetched_again(host: str) -> None:
    DEMO.fetch(host)
    assert DEMO.fetch("file:///nowhere") == 2


def test_a_file_that_cannot_be_had_is_one_sentence_and_leaves_nothing(host: str, tmp_path: Path) -> None:
    (tmp_path / "host/ann/songs/c0ffee/takes/cello.wav").unlink()
    with pytest.raises(CorpusError, match=r"cello\.wav could not be fetched"):
        DEMO.fetch(host)
    assert [path.name for path in DEMO.place("").rglob("*") if path.is_file()] == ["my song.wav"]


def test_several_files_are_one_recording(host: str) -> None:
    takes = Collection("both", "ann/songs", "c0ffee", {"all": "vocals"}, parts={"all": list(DEMO.stems)})
    assert takes.fetch(host) == 1
    (solo,) = takes.solos()
    assert (solo.id, [path.name for path in solo.files]) == ("solo:both/all", ["my song.wav", "cello.wav"])
    assert solo.song().read()["vocals"].shape == (2, 2 * RATE)  # half a second of silence between them


def test_a_track_that_rests_is_a_solo_without_its_silence(host: str, tmp_path: Path) -> None:
    take = tmp_path / "host/ann/songs/c0ffee/takes/my song.wav"
    soundfile.write(take, np.pad(np.full(RATE, 0.25, np.float32), (9 * RATE, 9 * RATE)), RATE)
    track = Collection("track", "ann/songs", "c0ffee", {"takes/my song.wav": "vocals"}, rests=True)
    track.fetch(host)
    (solo,) = track.solos()
    assert solo.song().read()["vocals"].shape[1] < 3 * RATE


def test_the_samples_of_a_folder_are_one_recording(host: str) -> None:
    assert PACK.solos() == []
    assert PACK.fetch(host) == 2
    solos = PACK.solos()
    assert [(solo.name, solo.split) for solo in solos] == [("pack-am", "train"), ("pack-cm", "valid")]
    voice = solos[0].song().read()["vocals"]
    assert voice.shape == (2, 2 * RATE + RATE // 2), "two samples and the pause between them: talk is left out"
    assert not voice[:, RATE + 1_000 : RATE + RATE // 2 - 1_000].any()


def test_a_folder_that_is_not_whole_is_no_recording(host: str) -> None:
    PACK.fetch(host)
    (PACK.place("am") / "Two.wav").unlink()
    assert [solo.id for solo in PACK.solos()] == ["solo:pack/cm"]


def test_every_collection_has_a_licence_and_names_of_its_own() -> None:
    for collection in COLLECTIONS:
        licences.terms(f"repositories/{collection.name}")
    places = [collection.place(path) for collection in COLLECTIONS for path in collection.stems]
    assert len(set(places)) == len(places)


def test_no_track_of_a_held_out_song_is_a_solo() -> None:
    paths = [path for collection in COLLECTIONS for path in collection.stems]
    assert not [path for path in paths for song in HELD_OUT_SONGS if song in path]
