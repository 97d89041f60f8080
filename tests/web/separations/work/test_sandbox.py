"""The decoder in its process: what it refuses, in which words, and that its limits hold."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.conftest import write_song
from unbraid.errors import InputError
from unbraid_web.separations.jobs.errors import JobFailed
from unbraid_web.separations.jobs.shutdown import ShutdownRequested
from unbraid_web.separations.work import decode, sandbox
from unbraid_web.songs import storage

MINUTE = 60.0


def decoded(path: Path, target: Path) -> dict[str, Any]:
    """Store the file, decode it and return the last facts."""
    default_storage.delete(f"songs/{path.name}")
    name = default_storage.save(f"songs/{path.name}", ContentFile(path.read_bytes()))
    return list(sandbox.decoded(name, target, lambda: None))[-1]


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[str]:
    """An upload at which the decoder stands still: a pipe into which nobody writes."""
    path = Path(default_storage.path("songs/stalled.wav"))
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    yield "songs/stalled.wav"
    path.unlink()


@pytest.mark.parametrize("name", ["song.flac", "song.wav", "song.aiff"])
def test_a_file_that_is_cut_off_is_refused_in_the_librarys_words(tmp_path: Path, name: str) -> None:
    whole = write_song(tmp_path / name, seconds=20.0)
    assert decoded(whole, tmp_path / "mixture.wav")["duration"] == 20.0
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(JobFailed, match=r"^This file is cut off: it ends .* s\. Check that it plays, or save it"):
        decoded(whole, tmp_path / "mixture.wav")


def write_tone(path: Path, codec: str, container: str) -> bytes:
    with av.open(path, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=44_100, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(np.sin(np.arange(44_100, dtype=np.float32) / 16)[None], "fltp", "mono")
        frame.sample_rate, frame.pts = 44_100, 0
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize(("codec", "container"), [("pcm_s16le", "caf"), ("wmav2", "asf")])
def test_a_damaged_file_is_never_our_fault(tmp_path: Path, codec: str, container: str) -> None:
    whole, path = write_tone(tmp_path / "whole", codec, container), tmp_path / "damaged"
    chance = random.Random(1)
    for _ in range(60):
        content = bytearray(whole)
        for _ in range(chance.choice([1, 4, 20])):
            content[chance.randrange(min(len(content), 6_000))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            list(decode.decode(path, tmp_path / "mixture.wav", MINUTE, 10**9))
        except (JobFailed, InputError) as error:
            assert str(error).endswith(".")


def test_what_is_too_large_once_decoded_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = tmp_path / "silence.flac"
    soundfile.write(song, np.zeros((60 * 192_000, 2), np.float32), 192_000)
    assert song.stat().st_size < 10**6
    monkeypatch.setattr(storage, "room", lambda: 20 * 10**6)
    with pytest.raises(JobFailed, match="more room than the server has"):
        decoded(song, tmp_path / "mixture.wav")
    assert not (tmp_path / "mixture.wav").exists()


def test_no_file_grows_beyond_the_room_there_is(tmp_path: Path) -> None:
    program = (
        "from unbraid_web.separations.work.decode import limit_self\n"
        "limit_self(2 * 10**9, 60, 10_000)\n"
        f"open({str(tmp_path / 'file')!r}, 'wb', buffering=0).write(bytes(9_000))\n"
        f"open({str(tmp_path / 'file')!r}, 'ab', buffering=0).write(bytes(1_001))\n"
        f"open({str(tmp_path / 'file')!r}, 'ab', buffering=0).write(bytes(1))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert os.strerror(errno.EFBIG) in done.stderr
    assert (tmp_path / "file").stat().st_size == 10_000


def test_the_disks_reserve_is_watched_while_it_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([10**9, 10**9, 10**9])
    monkeypatch.setattr(storage, "room", lambda: next(left, -1))  # somebody else fills the disk
    with pytest.raises(OSError, match="less room") as caught:
        decoded(write_song(tmp_path / "song.flac", seconds=40.0), tmp_path / "mixture.wav")
    assert storage.is_full(caught.value)


def test_a_decoder_that_stands_still_is_given_up(stalled: str, tmp_path: Path, settings: Any) -> None:
    settings.DECODE_SECONDS = 0.1
    with pytest.raises(JobFailed, match="more memory or time than we allow"):
        list(sandbox.decoded(stalled, tmp_path / "mixture.wav", lambda: None))


def test_a_decoder_that_stands_still_does_not_keep_the_worker(stalled: str, tmp_path: Path) -> None:
    calls = iter([None, None])

    def check() -> None:
        if next(calls, "stop"):
            raise ShutdownRequested

    with pytest.raises(ShutdownRequested):
        list(sandbox.decoded(stalled, tmp_path / "mixture.wav", check))


def test_a_decoder_goes_with_its_worker_however_that_went(stalled: str, tmp_path: Path) -> None:
    pipe = default_storage.path(stalled)
    command = [
        sys.executable, "-m", "unbraid_web.separations.work.decode", pipe, str(tmp_path / "mixture.wav"),
        "--max-seconds=60", "--max-bytes=1000000", f"--memory={2 * 10**9}", "--cpu-seconds=60",
    ]  # fmt: skip
    program = f"import subprocess, time; print(subprocess.Popen({command!r}).pid, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        decoder = int(worker.stdout.readline())
        held = until(lambda: opened(pipe))  # and nothing is written
        os.kill(decoder, signal.SIGSTOP)
        worker.kill()
    until(lambda: not is_alive(decoder))
    os.close(held)


def opened(pipe: str) -> int | None:
    """Open the pipe for writing once somebody reads it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def is_alive(process: int) -> bool:
    """Whether the process is there, and more than an entry in a table."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition: Callable[[], Any]) -> Any:
    """Wait until the condition holds, and return what it gave."""
    end = time.monotonic() + MINUTE
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
