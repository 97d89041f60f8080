import json
from pathlib import Path

import pytest

from tests.training.stems import write_stems
from tests.training.tiny_networks import WAVE, tiny
from unbraid.cli import main
from unbraid.inference.model import ModelFacts
from unbraid.training.presets import PRESETS

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"
)  # of torch's exporter and compiler, and of processes that load while threads run


def test_from_stems_to_a_model_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PRESETS, "tiny", tiny(WAVE, "l1+stft"))
    write_stems(tmp_path / "songs" / "one", {"vocals": 0.3, "drums": 0.3, "bass": 0.3})
    songs, out, model = str(tmp_path / "songs"), tmp_path / "run", tmp_path / "tiny.onnx"
    assert (
        main(["train", "tiny", "--data", songs, "--valid", songs, "--steps", "2", "--batch", "1", "--out", str(out)])
        == 0
    )
    assert "unbraid export" in capsys.readouterr().out
    history = json.loads((out / "history.json").read_text())
    assert history[-1]["gain"].keys() == {"vocals", "drums", "bass"}
    assert main(["export", str(out / "checkpoint.pt"), "-o", str(model)]) == 0
    assert ModelFacts.read(model).preset == "tiny"


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["train", "unbraid"], "--data", 2),
        (["train", "unbraid", "--data", "songs", "--out", "OUT"], "budget", 2),
        (["train", "m9", "--data", "songs", "--steps", "1"], "no preset 'm9'", 2),
        (["train", "unbraid", "--data", "/nowhere", "--steps", "1", "--out", "OUT"], "holds no songs", 1),
        (
            ["train", "unbraid", "--data", "songs", "--steps", "1", "--from", "/nowhere.pt", "--out", "OUT"],
            "does not exist",
            1,
        ),
        (
            ["train", "unbraid", "--data", "songs", "--steps", "1", "--batch", "0", "--out", "OUT"],
            "at least one excerpt",
            2,
        ),
        (
            ["train", "unbraid", "--data", "songs", "--steps", "1", "--learning-rate", "0", "--out", "OUT"],
            "between 0 and 1",
            2,
        ),
        (["export", "/nowhere.pt", "-o", "model.onnx"], "does not exist", 1),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str, code: int
) -> None:
    arguments = [str(tmp_path / "out") if argument == "OUT" else argument for argument in arguments]
    assert main(arguments) == code
    assert sentence in capsys.readouterr().err
