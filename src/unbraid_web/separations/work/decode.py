"""Decodes one uploaded file to plain samples, in a process of its own with little memory, time and room on the disk.

Uploads are the only input that strangers choose, so nothing else touches them: the web process never opens them, and
the worker reads only the WAV file that this program wrote. The library's reader and writer do the work; this program
adds the limits. `sandbox` runs it; every line on standard output is a JSON object: progress, and at the end either the
facts or an error in one sentence.
"""

import argparse
import contextlib
import errno
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from unbraid.audio import SongReader, StemWriter
from unbraid.errors import InputError
from unbraid_web.separations.jobs.errors import JobFailed

ADVICE = "Check that it plays, or save it as MP3, FLAC or WAV, and upload it again."
TOO_LARGE = (
    "Decoded, this file needs more room than the server has at the moment. "
    "Save it at 44.1 or 48 kHz, or try again later."
)
PROGRESS_SECONDS = 5
SAMPLE_BYTES = 4


def limit_self(memory: int, cpu_seconds: int, file_bytes: int) -> None:
    """Ask the system to stop this process beyond these limits, and when its parent is gone."""
    with contextlib.suppress(ImportError):  # Windows has no such limits
        import resource

        limits = ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu_seconds), (resource.RLIMIT_FSIZE, file_bytes))
        for kind, amount in limits:
            _, most = resource.getrlimit(kind)
            amount = amount if most == resource.RLIM_INFINITY else min(amount, most)
            resource.setrlimit(kind, (amount, most))
    if sys.platform == "linux":
        import ctypes

        PR_SET_PDEATHSIG = 1  # noqa: N806 # the system's name; the signal reaches even a process that stands still
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def decode(source: Path, target: Path, max_seconds: float, max_bytes: int) -> Iterator[dict[str, Any]]:
    """Write `source` as 32-bit float WAV at its own rate and yield what is known so far.

    Raises:
        JobFailed: the file is longer than `max_seconds`, or larger than `max_bytes` once decoded.
        InputError: the library cannot read it.
        OSError: the disk is full.
    """
    with SongReader(source, name="This file") as song:
        seconds = song.duration or 0.0
        byte_rate = SAMPLE_BYTES * song.channels * song.sample_rate
        # Lengths in headers may be guesses: the true one is checked below.
        check_size(seconds / 1.2, byte_rate, max_seconds, max_bytes)
        writer = StemWriter(target, "wav", sample_rate=song.sample_rate, channels=song.channels, bit_depth="32f")
        frames, peak = 0, 0.0
        try:
            for block in song:
                before, frames = frames, frames + block.shape[1]
                check_size(frames / song.sample_rate, byte_rate, max_seconds, max_bytes)
                writer.write(block)
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                step = PROGRESS_SECONDS * song.sample_rate
                if frames // step > before // step:
                    yield {"fraction": min(1.0, frames / song.sample_rate / seconds) if seconds else 0.0}
            writer.finish()
        except BaseException:
            writer.abandon()
            raise
        tags = {key.lower(): value.strip() for key, value in song.tags.items()}
        yield {
            "duration": frames / song.sample_rate,
            "peak": peak,
            "bit_depth": song.bit_depth,
            "title": tags.get("title", "")[:200],
            "artist": tags.get("artist", "")[:200],
            "notes": [*song.notes, *([] if peak else ["it is silent from beginning to end"])],
        }


def check_size(seconds: float, byte_rate: int, max_seconds: float, max_bytes: int) -> None:
    """Raise JobFailed if so many seconds are too many, or too large."""
    if seconds > max_seconds:
        limit = f"{max_seconds / 60:g}-minute" if max_seconds >= 60 else f"{max_seconds:g}-second"
        raise JobFailed(f"This file is longer than the {limit} limit. Split it and upload the parts.", final=True)
    if seconds * byte_rate > max_bytes:
        raise JobFailed(TOO_LARGE)


def main() -> int:
    """Decode the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--max-seconds", type=float, required=True)
    parser.add_argument("--max-bytes", type=int, required=True, help="of the decoded file")
    parser.add_argument("--memory", type=int, required=True, help="bytes")
    parser.add_argument("--cpu-seconds", type=int, required=True)
    arguments = parser.parse_args()
    limit_self(arguments.memory, arguments.cpu_seconds, arguments.max_bytes)
    av.logging.set_level(None)
    try:
        for facts in decode(arguments.source, arguments.target, arguments.max_seconds, arguments.max_bytes):
            print(json.dumps(facts), flush=True)
    except JobFailed as error:
        print(json.dumps({"error": str(error), "final": error.final}), flush=True)
        return 1
    except InputError as error:
        if isinstance(error.__cause__, MemoryError):
            raise  # no fault of the file's format: the worker has a sentence for who says nothing
        print(json.dumps({"error": f"{error.problem} {ADVICE}", "final": True}), flush=True)
        return 1
    except OSError as error:
        found = {"error": TOO_LARGE, "final": False} if error.errno == errno.EFBIG else {"errno": error.errno}
        print(json.dumps(found), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
