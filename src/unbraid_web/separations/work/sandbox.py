"""Runs the decoder in a process of its own, so that a stranger's file can neither crash the worker nor fill the disk.

The process sets its own limits on memory, processor time and file size. The limit on wall-clock time is enforced here,
because a decoder that hangs uses no processor time. Free disk space is watched as well.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from django.conf import settings

from unbraid_web.separations.jobs.errors import JobFailed
from unbraid_web.songs import storage

TICK_SECONDS = 0.5
TOO_MUCH = "Reading this file took more memory or time than we allow. Try another format."


def decoded(upload: str, target: Path, check: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Decode the stored file `upload` into `target` and yield what is known so far; the last facts hold the duration.

    Args:
        upload: its name in the storage
        target: the WAV file to write
        check: called repeatedly; if it raises an error, the decoder is ended

    Raises:
        JobFailed: the file cannot be used.
        OSError: the disk is full.
    """
    with storage.local_copy(upload) as source:
        room = storage.room()
        command = [
            sys.executable, "-m", "unbraid_web.separations.work.decode", str(source), str(target),
            f"--max-seconds={settings.MAX_SONG_SECONDS}", f"--max-bytes={max(room, 1)}",
            f"--memory={settings.DECODE_MEMORY_BYTES}", f"--cpu-seconds={settings.DECODE_CPU_SECONDS}",
        ]  # fmt: skip
        facts: dict[str, Any] = {}
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child,
            closing(lines_of(child, check)) as lines,
        ):
            for line in lines:
                facts = json.loads(line)
                if "error" in facts:
                    raise JobFailed(facts["error"], final=facts["final"])
                if "errno" in facts:
                    raise OSError(facts["errno"], "while decoding")
                yield facts
        if child.returncode or "duration" not in facts:
            raise JobFailed(TOO_MUCH)


def lines_of(child: "subprocess.Popen[str]", check: Callable[[], None]) -> Generator[str]:
    """Yield the lines that the child prints, checking in between that it may go on. Closing this ends the child.

    Raises:
        JobFailed: it takes too long.
        OSError: the disk is nearly full.
    """
    lines: SimpleQueue[str | None] = SimpleQueue()

    def listen() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            lines.put(line)
        lines.put(None)

    listener = Thread(target=listen, name="decoder", daemon=True)
    listener.start()
    deadline = time.monotonic() + settings.DECODE_SECONDS
    try:
        while True:
            check()
            if time.monotonic() > deadline:
                raise JobFailed(TOO_MUCH)
            storage.need_room()
            try:
                line = lines.get(timeout=TICK_SECONDS)
            except Empty:
                continue
            if line is None:
                return
            yield line
    except BaseException:
        child.kill()
        raise
    finally:
        listener.join()  # before its pipe is closed
