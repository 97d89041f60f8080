"""What a training cannot do, in a sentence; `tests/test_telemetry.py` has one from stems to a model file."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import write_song
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
        (["train", "unbraid", "--data", "songs=0", "--steps", "1"], "a weight above 0", 1),
        (["train", "unbraid", "--data", "songs=nan", "--steps", "1"], "a weight above 0", 1),
        (
            ["train", "unbraid", "--data", ".", "--valid", "/nowhere", "--steps", "1", "--out", "OUT"],
            "holds no songs",
            1,
        ),
        (["train", "unbraid", "--data", ".", "--steps", "1", "--out", "/proc/1/out"], "cannot be made", 1),
        (["export", "/nowhere.pt", "-o", "model.onnx"], "does not exist", 1),
        (["export", "/nowhere.onnx", "-o", "/nowhere.onnx"], "would be replaced", 2),
        (["export", "/nowhere.pt", "-o", "model.onnx", "--times", "3"], "--average", 2),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str, code: int
) -> None:
    arguments = [str(tmp_path / "out") if argument == "OUT" else argument for argument in arguments]
    assert main(arguments) == code
    assert sentence in capsys.readouterr().err


def test_a_stem_that_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stem = tmp_path / "songs/song/vocals.wav"
    stem.parent.mkdir(parents=True)
    stem.write_text("not music")
    songs, out = str(tmp_path / "songs"), str(tmp_path / "out")
    assert main(["train", "m7", "--batch", "1", "--steps", "1", "--data", songs, "--out", out]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"unbraid: {stem} is not a sound file that can be read")
    assert said.count("\n") == 1


def test_a_training_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"hours of work")
    assert main(["train", "unbraid", "--data", ".", "--steps", "1", "--out", str(tmp_path)]) == 1
    assert "holds an earlier training: continue it with --resume" in capsys.readouterr().err
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"hours of work"


def test_processes_that_mix_songs_end_with_a_training_that_fails(tmp_path: Path) -> None:
    (tmp_path / "songs/song").mkdir(parents=True)
    write_song(tmp_path / "songs/song/vocals.wav", seconds=5)
    script = (
        "import sys; import unbraid.training.data.mixes as mixes; from unbraid.cli import main;"
        "mixes.MixDataset.__getitem__ = lambda self, number: [][0]; sys.exit(main(sys.argv[1:]))"
    )
    arguments = [
        "train",
        "m7",
        "--batch",
        "1",
        "--steps",
        "1",
        "--data",
        str(tmp_path / "songs"),
        "--out",
        str(tmp_path),
    ]
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "IndexError" in run.stderr


def test_a_training_that_is_stopped_says_one_sentence(tmp_path: Path) -> None:
    """Terminals send Ctrl+C to the processes that mix songs as well, where a decoder would print it."""
    (tmp_path / "songs/song").mkdir(parents=True)
    write_song(tmp_path / "songs/song/vocals.wav", seconds=5)
    command = [sys.executable, "-m", "unbraid", "train", "m7", "--batch", "1", "--minutes", "5"]
    process = subprocess.Popen(
        [*command, "--data", str(tmp_path / "songs"), "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not list((tmp_path / "samples").glob("*.npy")):
        assert process.poll() is None
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    for child in children:
        (ignored,) = re.findall(r"SigIgn:\s*(\w+)", Path(f"/proc/{child}/status").read_text())
        assert int(ignored, 16) >> (signal.SIGINT - 1) & 1
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "unbraid: stopped.\n")
