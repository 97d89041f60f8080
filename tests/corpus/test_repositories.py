"""Files of public repositories are fetched once, whole or not at all, and become songs of the stem that they are."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus import licences
from unbraid.corpus.audio_files import RATE
from unbraid.corpus.repositories import COLLECTIONS, Collection
from unbraid.errors import CorpusError

DEMO = Collection("demo", "ann/songs", "c0ffee", {"takes/my song.wav": "vocals", "takes/cello.wav": "other"})


@pytest.fixture
def host(tmp_path: Path) -> str:
    takes = tmp_path / "host" / "ann" / "songs" / "c0ffee" / "takes"
    takes.mkdir(parents=True)
    soundfile.write(takes / "my song.wav", np.full(RATE, 0.25, np.float32), RATE)
    soundfile.write(takes / "cello.wav", np.full(RATE // 2, 0.5, np.float32), RATE)
    return (tmp_path / "host").as_uri()


def test_what_is_fetched_becomes_songs(host: str) -> None:
    assert DEMO.songs() == {}
    assert DEMO.fetch(host) == 2
    songs = DEMO.songs()
    assert list(songs) == ["solo:demo/my song", "solo:demo/cello"]
    song = songs["solo:demo/my song"]
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


def test_every_collection_has_a_licence_and_names_of_its_own() -> None:
    for collection in COLLECTIONS:
        licences.terms(f"repositories/{collection.name}")
    places = [collection.place(path) for collection in COLLECTIONS for path in collection.stems]
    assert len(set(places)) == len(places)
