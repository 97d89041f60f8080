"""A training from a bundle: what `corpus pack` made is unpacked once, trained on, and looked at."""

import json
from pathlib import Path

import pytest

from tests.training.stems import write_stems
from tests.training.tiny_networks import BANK, tiny
from unbraid.cli import main
from unbraid.corpus.building import manifest, shards
from unbraid.errors import TrainingError
from unbraid.training.data.bundles import expand_bundles
from unbraid.training.data.mixes import WeightedFolder
from unbraid.training.presets import PRESETS


def a_bundle(folder: Path, splits: tuple[str, ...] = ("train", "valid")) -> Path:
    lines: list[manifest.Line] = []
    for split in splits:
        place = write_stems(folder / "corpus" / split / f"{split}-song", {"vocals": 0.3, "drums": 0.2, "bass": 0.1})
        (place / "song.json").write_text(json.dumps({"kind": "styled", "materials": {}}))
        lines += manifest.song_lines(place, {})
    manifest.write(folder / "corpus" / manifest.NAME, lines)
    shards.pack(folder / "corpus", folder / "bundle.tar")
    return folder / "bundle.tar"


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")  # of torch
def test_one_command_trains_on_a_bundle_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PRESETS, "tiny", tiny(BANK, "masked-spectrum"))
    bundle, out = a_bundle(tmp_path), tmp_path / "run"
    command = ["train", "tiny", "--resume", "--data", f"{bundle}=0.5", "--out", str(out), "--steps"]
    assert main([*command, "1"]) == 0
    history = json.loads((out / "history.json").read_text())
    assert history[-1]["sdr"].keys() == {"valid-song"}  # the held-out song of the bundle
    bundle.rename(tmp_path / "carried.tar")
    command[command.index(f"{bundle}=0.5")] = str(tmp_path / "carried.tar")
    assert main([*command, "2"]) == 0
    assert [entry["step"] for entry in json.loads((out / "history.json").read_text()) if "loss" in entry] == [1, 2]


def test_a_bundle_is_unpacked_once_and_folders_stay_what_they_are(tmp_path: Path) -> None:
    data = [WeightedFolder(a_bundle(tmp_path), 0.5), WeightedFolder(tmp_path / "songs")]
    train, valid = expand_bundles(data, tmp_path / "cache")
    (unpacked,) = (tmp_path / "cache").iterdir()
    assert train == [WeightedFolder(unpacked / "train", 0.5), WeightedFolder(tmp_path / "songs")]
    assert valid == [WeightedFolder(unpacked / "valid")]
    (unpacked / "mark").touch()
    assert expand_bundles(data, tmp_path / "cache") == (train, valid)
    assert (unpacked / "mark").exists()


def test_what_is_wrong_with_a_bundle_is_a_sentence(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path, ("valid",))
    with pytest.raises(TrainingError, match="no songs to train on"):
        expand_bundles([WeightedFolder(bundle)], tmp_path / "cache")
    (tmp_path / "half.tar").write_bytes(bundle.read_bytes()[:5_000])
    with pytest.raises(TrainingError, match="not a bundle"):
        expand_bundles([WeightedFolder(tmp_path / "half.tar")], tmp_path / "other")
    with pytest.raises(TrainingError, match="cannot be read"):
        expand_bundles([WeightedFolder(tmp_path / "none.tar")], tmp_path / "other")
    assert not list((tmp_path / "other").glob("*"))
