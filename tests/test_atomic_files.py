"""A file is whole or not there."""

from pathlib import Path

import pytest

from unbraid.atomic_files import replacing


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path, shared: bool) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")
    with replacing(path, shared=shared) as part:
        part.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), None])
def test_an_error_leaves_what_was_there_before(tmp_path: Path, error: BaseException | None) -> None:
    path = tmp_path / "report.json"
    path.write_text("before")
    with pytest.raises((OSError, KeyboardInterrupt)), replacing(path) as part:
        if error is not None:  # else nothing is written, which is an error too
            part.write_text("half")
            raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_has_left_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with replacing(path) as part:
        part.write_text("half")
        left = part
        part.write_text("whole")
    left.write_text("left by a run that was killed, and longer")
    with replacing(path) as part:
        part.write_text("anew")
    assert path.read_text() == "anew"
    assert list(tmp_path.iterdir()) == [path]
