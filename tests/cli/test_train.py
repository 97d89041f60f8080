"""What a training cannot do, in a sentence; `tests/test_telemetry.py` has one from stems to a model file."""

from pathlib import Path

import pytest

from unbraid.cli import main

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of torch


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
        (["train", "unbraid", "--data", "songs", "--steps", "1", "--loss", "mse"], "no loss 'mse' for this network", 2),
        (["train", "m1", "--data", "songs", "--steps", "1", "--loss", "masked-spectrum"], "one of mse, l1", 2),
        (["export", "/nowhere.pt", "-o", "model.onnx"], "does not exist", 1),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str, code: int
) -> None:
    arguments = [str(tmp_path / "out") if argument == "OUT" else argument for argument in arguments]
    assert main(arguments) == code
    assert sentence in capsys.readouterr().err
