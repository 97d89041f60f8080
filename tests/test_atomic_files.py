"""A file is whole or not there."""

from pathlib import Path

import pytest

from unbraid.atomic_files import replacing, replacing_folder


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


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "songs"
    with pytest.raises(OSError, match="disk full"), replacing_folder(path) as part:
        part.mkdir()
        (part / "one").touch()
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="not empty"), replacing_folder(path) as part, replacing_folder(path) as other:
        part.mkdir()  # the other one is faster
        other.mkdir()
        (other / "two").touch()
        assert not path.exists()
    assert [file.name for file in path.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [path]


def test_parts_of_the_living_stay_and_those_of_the_dead_go(tmp_path: Path) -> None:
    path = tmp_path / "samples[1].npy"
    (tmp_path / ".samples[1].npy.0123abcd.part").write_text("left by a process that was killed")
    with replacing(path, shared=True) as first, replacing(path, shared=True) as second:
        assert set(tmp_path.iterdir()) == {first, second}
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first", "the outer one is done last"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["y" * 255, "é" * 127])
@pytest.mark.parametrize("shared", [False, True])
def test_the_longest_name_can_be_written(tmp_path: Path, name: str, shared: bool) -> None:
    for content in ("before", "after"):
        with replacing(tmp_path / name, shared=shared) as part:
            part.write_text(content)
    assert (tmp_path / name).read_text() == "after"
    assert [path.name for path in tmp_path.iterdir()] == [name]
