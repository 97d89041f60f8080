"""Nothing that is wrong with the standard streams ends a batch."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import write_song
from tests.tiny_models import SOURCES
from unbraid.audio import read
from unbraid.cli import main
from unbraid.cli.streams import SafeStream

NAMES = ["песня", "plain"]


def separate(model: Path, folder: Path, *others: str) -> list[str]:
    """The arguments to separate two songs, and others, into `folder / "out"`."""
    songs = [str(write_song(folder / f"{name}.wav", seconds=0.3)) for name in NAMES]
    return ["separate", *songs, *others, "-o", str(folder / "out"), "--model", str(model)]


def assert_all_there(folder: Path) -> None:
    for name in NAMES:
        stems = {path.stem: read(path)[0] for path in (folder / "out" / name).iterdir()}
        assert set(stems) == set(SOURCES)
        np.testing.assert_allclose(sum(stems.values()), read(folder / f"{name}.wav")[0], atol=1e-6)


@pytest.mark.parametrize("encoding", ["cp1251", "cp1252", "ascii"])
def test_what_cannot_be_encoded_is_escaped(
    mask_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    log = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(log, encoding=encoding))
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert main(separate(mask_model, tmp_path, "нет.wav")) == 1
    assert log.getvalue().decode(encoding).count(" real time)") == 2
    assert ("\\u" in log.getvalue().decode(encoding)) == (encoding != "cp1251")
    assert_all_there(tmp_path)


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", "E♭, C♯, 9 ×"), ("latin-1", "Eb, C#, 9 ×"), ("ascii", "Eb, C#, 9 x")]
)
def test_signs_of_our_own_become_plainer_ones(encoding: str, written: str) -> None:
    said = io.BytesIO()
    stream = SafeStream(io.TextIOWrapper(said, encoding=encoding))
    print("E♭, C♯, 9 ×", file=stream)
    stream.flush()
    assert said.getvalue().decode(encoding) == written + "\n"


def test_without_streams(mask_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = separate(mask_model, tmp_path)
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(arguments) == 0
    assert main(["separate", "-", *arguments[1:]]) == 1, "there is no song on standard input"
    assert_all_there(tmp_path)


def close(descriptor: int) -> Callable[[], None]:
    return lambda: os.close(descriptor)


def break_pipes() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for descriptor in (1, 2):
        os.dup2(writer, descriptor)


def fill() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)


@pytest.mark.parametrize(
    ("spoil", "code"), [(close(0), 0), (close(1), 0), (close(2), 0), (break_pipes, 0), (fill, 1)],
    ids=["no stdin", "no stdout", "no stderr", "broken pipes", "full disk"],
)  # fmt: skip
def test_streams_that_fail(mask_model: Path, tmp_path: Path, spoil: Callable[[], None], code: int) -> None:
    """Results lost on a full disk are a failure; a reader that leaves has what it wanted."""
    command = [sys.executable, "-m", "unbraid", *separate(mask_model, tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, preexec_fn=spoil)
    assert_all_there(tmp_path)
    assert ran.returncode == code
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
    assert ("not all output could be written" in ran.stderr) == (code == 1)
