"""Music from packages becomes song folders of one sum: short, trimmed, below full scale, with a licence."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from unbraid.corpus.audio_files import RATE, Audio, read
from unbraid.corpus.building import build, catalogue, manifest, recorded
from unbraid.corpus.building.verify import song_problems
from unbraid.corpus.singing.voices import VOICES
from unbraid.corpus.sources import backings
from unbraid.corpus.sources.backings import SUM
from unbraid.corpus.sources.folders import MaterialFolders
from unbraid.corpus.sources.origins import DebianPackage
from unbraid.corpus.sources.records import source
from unbraid.corpus.sources.source import Source

DEMO = Source(
    "backings/demo",
    "CC-BY-4.0",
    "Ann",
    (DebianPackage("demo-data"),),
    split="valid",
    folder="games/demo/music",
    files=("*.ogg", "lost/*.ogg"),
    leave_out=("choir",),
)


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


@pytest.fixture
def installed(tmp_path: Path, only: Callable[..., None]) -> None:
    package(tmp_path / "share")
    only(DEMO, *(source(voice.record) for voice in VOICES))


@pytest.mark.usefixtures("installed")
def test_pieces_become_song_folders_with_one_sum_licensed_and_clean(tmp_path: Path, material: MaterialFolders) -> None:
    built, known = build.Built(), {item.id: item for item in catalogue._backings(material)}
    build._add_recordings(built, material, tmp_path / "out")
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
    tmp_path: Path, material: MaterialFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backings, "SECONDS", 1.25)
    build._add_recordings(build.Built(), material, tmp_path / "out")
    theme, march = (
        read(tmp_path / "out" / "valid" / f"backing-demo-{name}" / f"{SUM}.flac") for name in ("theme", "lost-march")
    )
    assert abs(theme.shape[1] / RATE - 0.75) < 0.05
    assert abs(march.shape[1] / RATE - 1.25) < 0.01
    assert np.abs(march).max() <= backings.PEAK + 1e-3


def test_without_the_packages_there_are_no_backings(material: MaterialFolders) -> None:
    assert catalogue._backings(material) == []
    assert list(recorded.recordings(material)) == []
