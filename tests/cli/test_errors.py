"""Whatever goes wrong in any command is one sentence with an exit code, and the songs that can be separated are."""

import argparse
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import write_song
from unbraid.cli import command_parser, main
from unbraid.cli.extras import extra
from unbraid.cli.options import seconds, weights
from unbraid.errors import UsageError
from unbraid.inference.shipped_models import shipped_models

LONG = "a" * 300


def assert_one_sentence(said: str) -> None:
    assert said.startswith("unbraid: ")
    assert said.endswith(".\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench", LONG],
        ["info", "--model", LONG],
        ["evaluate", LONG],
        ["corpus", "list", LONG],
        ["corpus", "verify", LONG],
        ["corpus", "pack", LONG, "-o", "shard.tar"],
        ["corpus", "unpack", LONG, "-o", "out"],
    ],
    ids=" ".join,
)
def test_a_name_that_is_too_long(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in (1, 2)
    assert_one_sentence(capsys.readouterr().err)


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All options of a command and of those below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from actions(below)


def test_an_empty_name_is_not_the_current_folder() -> None:
    asked = [action for action in actions(command_parser()) if re.search("DIR|FILE", str(action.metavar))]
    assert {"out", "model", "start_from", "folder", "material"} <= {action.dest for action in asked}
    for action in asked:
        if not isinstance(action, argparse._AppendAction):  # songs to train on: told when they are looked for
            assert callable(action.type), action.dest
            with pytest.raises(argparse.ArgumentTypeError):
                action.type("")


def test_one_impossible_name_does_not_stop_the_others(
    mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    command = ["separate", LONG, str(song), "-o", str(tmp_path / "out"), "--model", str(mask_model), "--quiet"]
    assert main([*command, "--skip-existing"]) == 1
    assert (tmp_path / "out/song/vocals.wav").exists()
    assert_one_sentence(capsys.readouterr().err)


def test_a_folder_for_stems_whose_name_is_too_long(
    mask_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    assert main(["separate", str(song), "-o", str(tmp_path / LONG), "--model", str(mask_model), "--quiet"]) == 1
    assert_one_sentence(capsys.readouterr().err)


def test_a_pipe_without_room_for_it(
    mask_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A song from a pipe is kept in the temporary folder, which may be full or missing."""
    reader, writer = os.pipe()
    os.close(writer)
    song = write_song(tmp_path / "other.wav", seconds=0.3)
    monkeypatch.setattr("tempfile.tempdir", "/dev/full")
    with open(reader) as pipe:  # noqa: PTH123  # a descriptor
        monkeypatch.setattr(sys, "stdin", pipe)
        arguments = ["separate", "-", str(song), "-o", str(tmp_path / "out"), "--model", str(mask_model), "--quiet"]
        assert main(arguments) == 1
    assert_one_sentence(capsys.readouterr().err)
    assert (tmp_path / "out/other/vocals.wav").exists()


@pytest.mark.parametrize("option", ["--start", "--duration"])
@pytest.mark.parametrize("time", ["nan", "inf", "-inf", "-1", "", "1:", "1:2:3:4", "1m30"])
def test_what_is_no_time(option: str, time: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["separate", "song.wav", f"{option}={time}"])
    assert f"expected seconds, or minutes and seconds such as 1:30, not {time!r}" in capsys.readouterr().err


def test_weights_are_a_file_or_the_name_of_a_model() -> None:
    assert weights("unbraid") == shipped_models()["unbraid"]
    assert weights("runs/unbraid/checkpoint.pt") == Path("runs/unbraid/checkpoint.pt")


@pytest.mark.parametrize(("text", "time"), [("90", 90), ("1:30", 90), ("1:02:03.5", 3723.5), (".5", 0.5), ("12.", 12)])
def test_times_are_written_as_players_show_them(text: str, time: float) -> None:
    assert seconds(text) == time


@pytest.mark.parametrize(
    "arguments",
    [
        ["corpus", "build", "-o", "out", "--hours", "nan"],
        ["corpus", "build", "-o", "out", "--workers", "0"],
        ["corpus", "list", "--hours", "8"],
        ["corpus", "build", "--hours", "8"],
        ["corpus", "pack", "corpus", "-o", "/"],
        ["train", "unbraid", "--minutes", "inf"],
        ["train", "unbraid", "--steps", "-1"],
        ["export", "checkpoint.pt", "-o", "/"],
        ["export", "checkpoint.pt", "-o", "song.wav"],
        ["train", "unbraid", "--seed", "x"],
        ["evaluate", "songs", "--json", "songs/song/vocals.flac"],
        ["evaluate", "songs", "--plot", "picture.jpg"],
        ["export", "checkpoint.pt", "-o", "model.onnx", "--times", "nan"],
        ["evaluate", "songs", "--json", "/"],
        ["evaluate", "songs", "--plot", "."],
        ["web", "--port", "70000"],
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "module", "brought_by"),
    [
        (["separate", "--plot", "SONG"], "matplotlib", "plot"),
        (["separate", "--dask", "tcp://host:8786", "SONG"], "distributed", "cluster"),
        (["web"], "django", "web"),
    ],
)
def test_what_is_not_installed_is_said_before_the_work(
    arguments: list[str],
    module: str,
    brought_by: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    assert main([str(song) if argument == "SONG" else argument for argument in arguments]) == 2
    said = capsys.readouterr()
    assert_one_sentence(said.err)
    assert module in said.err
    assert f"unbraid[{brought_by}]" in said.err
    assert list(tmp_path.iterdir()) == [song]


def test_what_a_function_misses_is_said_with_its_extra() -> None:
    @extra("train")
    def needs_it() -> None:
        import nothing_of_this_name  # type: ignore[import-not-found]  # noqa: F401

    with pytest.raises(UsageError, match=r"nothing_of_this_name.*pip install 'unbraid\[train\]'"):
        needs_it()


def test_the_command_works_in_a_thread(mask_model: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav", seconds=0.3)
    codes: list[int] = []
    arguments = ["separate", str(song), "-o", str(tmp_path), "--model", str(mask_model), "--quiet"]
    thread = threading.Thread(target=lambda: codes.append(main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]
