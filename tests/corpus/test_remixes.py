"""A remix is tracks of one song, each at one level, all from the same moment on; the same for the same number."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus.adapters.song import DatasetSong
from unbraid.corpus.audio_files import RATE
from unbraid.corpus.building import remixes
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.origins import Repository
from unbraid.corpus.sources.source import Recording, Source

SECONDS = 8
TRACKS = {
    "1.Iron/1.Iron_Stem_VOX.wav": "vocals",
    "1.Iron/1.Iron_Stem_CHOIR.wav": "vocals",
    "1.Iron/1.Iron_Stem_KICK.wav": "drums",
    "2.Lead/2.Lead_Stem_VOX.wav": "vocals",
    "2.Lead/2.Lead_Stem_PAD.wav": "other",
}
HELD_OUT = "2.Lead/2.Lead_Stem_PAD.wav"


@pytest.fixture
def songs(material: MaterialFolders, only: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> list[DatasetSong]:
    """Tracks that tell the time: each rises from nothing, no two at the same rate."""
    recordings = tuple(
        Recording(stem, (path,), split="valid" if path == HELD_OUT else "") for path, stem in TRACKS.items()
    )
    origin = (Repository("ann/tracks", "c0ffee", flat=True),)
    source = Source("solos/tracks", "MIT", "Ann", origin, recordings=recordings, rests=True)
    only(source)
    rise = np.linspace(0, 1, SECONDS * RATE)
    for number, path in enumerate(TRACKS):
        place = material.target / source.name / Path(path).name
        place.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(place, rise * 0.01 * 2**number, RATE, subtype="FLOAT")
    monkeypatch.setattr(remixes, "REMIXES", 12)
    monkeypatch.setattr(remixes, "SECONDS", 2.0)
    return [song for song, _ in remixes.remixes(material)]


def test_all_stems_begin_at_the_same_moment(songs: list[DatasetSong]) -> None:
    for song in songs:
        stems = {name: load() for name, load in song.stems.items()}
        assert all(stem.shape == (2, 2 * RATE) for stem in stems.values())
        began = [stem[0, 0] / (stem[0, -1] - stem[0, 0]) for stem in stems.values()]
        assert began, "something is always kept"
        np.testing.assert_allclose(began, began[0], rtol=1e-3)


def test_each_is_another_and_the_same_for_its_number(songs: list[DatasetSong], material: MaterialFolders) -> None:
    again = [song for song, _ in remixes.remixes(material)]
    assert [song.name for song in songs] == [f"{number:03}" for number in range(12)]
    levels = set()
    for one, two in zip(songs, again, strict=True):
        for name, load in one.stems.items():
            np.testing.assert_array_equal(load(), two.stems[name]())
            levels.add(float(load()[0, -1]))
    assert len(levels) == sum(len(song.stems) for song in songs)


def test_tracks_are_named_and_no_held_out_one_is_among_them(
    songs: list[DatasetSong], material: MaterialFolders
) -> None:
    named = [names for _, used in remixes.remixes(material) for names in used.values()]
    assert {"solo:tracks/1.Iron_Stem_VOX", "solo:tracks/2.Lead_Stem_VOX"} <= {name for names in named for name in names}
    assert {len(names) for names in named} == {1, 2}, "tracks are left out, and summed"
    assert not [song for song in songs if "other" in song.stems]
