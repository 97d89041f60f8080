"""A song may come by any door: a path, a named pipe, the standard input, an open file."""

import contextlib
import errno
import io
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.audio.songs import tone, write
from tests.conftest import noise
from unbraid import InputError, OutputError, UsageError
from unbraid.audio import SongReader, read


def through_a_pipe(song: Path, pipe: Path) -> Path:
    """Return a named pipe into which another thread writes the song."""
    os.mkfifo(pipe)

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), song.open("rb") as file, pipe.open("wb") as end:
            shutil.copyfileobj(file, end)

    threading.Thread(target=feed, daemon=True).start()
    return pipe


@pytest.mark.parametrize("name", ["wav", "flac", "m4a", "mp3"])
def test_a_named_pipe_is_read_as_the_file_is(tmp_path: Path, name: str) -> None:
    song = write(tmp_path / f"song.{name}", noise(2, 700_000))  # more than FFmpeg holds at once
    found, _ = read(through_a_pipe(song, tmp_path / "pipe"))
    np.testing.assert_array_equal(found, read(song)[0])


def test_a_cut_file_is_refused_through_a_pipe_too(tmp_path: Path) -> None:
    song = write(tmp_path / "song.wav", noise(2, 300_000))
    song.write_bytes(song.read_bytes()[:1_000_000])
    with pytest.raises(InputError, match="is cut off"):
        read(through_a_pipe(song, tmp_path / "pipe"))


def test_nothing_is_said_to_be_empty_whichever_door_it_comes_by(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    for song in (nothing, through_a_pipe(nothing, tmp_path / "pipe"), io.BytesIO()):
        with pytest.raises(InputError, match=r"is empty\.$"):
            read(song)


def test_a_pipe_for_which_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    pipe = through_a_pipe(write(tmp_path / "song.wav", tone()), tmp_path / "pipe")
    with pytest.raises(OutputError, match=r"pipe.*no space left on device.*TMPDIR"):
        read(pipe)


def test_a_folder_that_cannot_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", locked)
    with pytest.raises(InputError, match="cannot be opened: permission denied"):
        read(tmp_path)


def test_a_name_that_is_given_is_the_one_in_sentences(tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(b"no song at all" * 100)
    with pytest.raises(InputError, match=r"^Blue Door\.mp3 is not a sound file"):
        SongReader(tmp_path / "upload", name="Blue Door.mp3")


def test_a_song_that_is_too_long_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    song = write(tmp_path / "song.flac", tone(3.0))
    with pytest.raises(InputError, match="longer than the limit of 2 s"):
        SongReader(song, max_seconds=2.0)
    song = write(tmp_path / "song.wav", tone(3.0))
    at = song.read_bytes().index(b"data") + 4
    song.write_bytes(song.read_bytes()[:at] + b"\xff" * 4 + song.read_bytes()[at + 4 :])  # its length is not known
    with SongReader(song, max_seconds=2.0) as reader, pytest.raises(InputError, match="longer than the limit of 2 s"):
        for block in reader:
            assert block.shape[1] <= 2.1 * reader.sample_rate
    with SongReader(song, max_seconds=3.0) as reader:
        assert sum(block.shape[1] for block in reader) == 3 * 44_100


@pytest.mark.parametrize(
    "part", [{"start": float("nan")}, {"start": -1.0}, {"duration": float("inf")}, {"duration": 0.0}]
)
def test_a_part_that_makes_no_sense(tmp_path: Path, part: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SongReader(write(tmp_path / "song.wav", tone()), **part)  # type: ignore[arg-type]
