"""Music from packages becomes song folders of one sum: short, trimmed, below full scale, with a licence."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus import backings, building, catalogue, licences, manifest, recordings
from unbraid.corpus.audio_files import RATE, Audio, read
from unbraid.corpus.backings import ALBUMS, SUM, Album
from unbraid.corpus.verifying import song_problems

DEMO = Album("demo", "games/demo/music", ("*.ogg", "lost/*.ogg"), but=("choir",), split="valid")


def tone(seconds: float, level: float = 0.2) -> Audio:
    return (level * np.sin(np.arange(round(seconds * RATE)) / 20)).astype(np.float32)


def package(root: Path) -> None:
    """The music folder of a game, two pieces of it good, one with a choir, and a sound effect."""
    folder = root / "games" / "demo" / "music"
    (folder / "lost").mkdir(parents=True)
    silence = np.zeros(RATE // 2, np.float32)
    soundfile.write(folder / "theme.ogg", np.concatenate([silence, tone(1), silence]), RATE)
    soundfile.write(folder / "choir.ogg", tone(0.5), RATE)
    soundfile.write(folder / "lost" / "march.ogg", tone(2, 1.0), RATE)
    soundfile.write(folder / "click.wav", tone(0.1), RATE)


@pytest.fixture(params=["packages", "unpacked"])
def installed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / request.param)
    for module in (recordings, catalogue):
        monkeypatch.setattr(module, "ALBUMS", (DEMO,))
    monkeypatch.setitem(licences.TERMS, "backings/demo", ("CC-BY-4.0", "Ann"))


@pytest.mark.usefixtures("installed")
def test_pieces_become_song_folders_with_one_sum_licensed_and_clean(tmp_path: Path) -> None:
    built, known = building.Built(), {item.id: item for item in catalogue._backings()}
    building._add_recordings(built, tmp_path, tmp_path / "out")
    places = sorted((tmp_path / "out" / "valid").iterdir())
    assert built.failed == []
    assert [place.name for place in places] == ["backing-demo-lost-march", "backing-demo-theme"]
    for place, piece in zip(places, ("lost-march", "theme"), strict=True):
        assert {path.name for path in place.iterdir()} == {f"{SUM}.flac", "song.json"}
        assert list(song_problems(place, {item.id: item.split for item in known.values()})) == []
        (line,) = manifest.song_lines(place, known)
        assert (line["source"], line["licence"], line["attribution"]) == (SUM, "CC-BY-4.0", "Ann")
        assert json.loads((place / "song.json").read_text())["materials"] == {SUM: [f"backing:demo/{piece}"]}
        assert str(known[f"backing:demo/{piece}"].line()["seconds"]) == "2.0"


@pytest.mark.usefixtures("installed")
def test_only_the_beginning_is_taken_without_silence_at_its_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backings, "SECONDS", 1.25)
    building._add_recordings(building.Built(), tmp_path, tmp_path / "out")
    theme, march = (
        read(tmp_path / "out" / "valid" / f"backing-demo-{name}" / f"{SUM}.flac") for name in ("theme", "lost-march")
    )
    assert abs(theme.shape[1] / RATE - 0.75) < 0.05
    assert abs(march.shape[1] / RATE - 1.25) < 0.01
    assert np.abs(march).max() <= backings.PEAK + 1e-3


def test_without_the_packages_there_are_no_backings(tmp_path: Path) -> None:
    assert catalogue._backings() == []
    assert list(recordings.recordings(tmp_path)) == []


def test_every_album_is_licensed_for_its_split_and_no_maker_is_in_both() -> None:
    assert len({album.name for album in ALBUMS}) == len(ALBUMS)
    makers: dict[str, set[str]] = {"train": set(), "valid": set()}
    for album in ALBUMS:
        _, attribution = licences.terms(f"backings/{album.name}", album.split)
        makers[album.split] |= set(attribution.split(";")[0].split(", "))
    assert makers["valid"]
    assert not makers["train"] & makers["valid"]
