"""Decodes one uploaded file to plain samples, in a process of its own with little memory and little time.

Uploads are the only input that strangers choose, so nothing else touches them: the web process never opens them, and
the worker reads only the WAV file that this program wrote. Run as
`python -m unbraid_web.separations.work.decode IN OUT`; every line on standard output is a JSON object: progress, and at
the end either the facts or an error in one sentence.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from unbraid_web.separations.jobs.errors import JobFailed

# Containers of sound and film. Playlists (HLS, concat, ...) are not among them: they would make us open other files.
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,mp3,mpc,mpc8,mpeg,mpegts,"
    "oga,ogg,opus,tta,w64,wav,wv"
)


class UnusableUpload(JobFailed):
    """The file cannot be used; the message says why and what to do."""


def limit_self(memory: int, cpu_seconds: int) -> None:
    """Ask the system to stop this process beyond `memory` bytes or `cpu_seconds`."""
    with contextlib.suppress(ImportError):  # Windows has no such limits
        import resource

        for kind, amount in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu_seconds)):
            _, most = resource.getrlimit(kind)
            amount = amount if most == resource.RLIM_INFINITY else min(amount, most)
            resource.setrlimit(kind, (amount, most))


def frames_of(container: Any) -> Iterator[Any]:
    """Yield the decoded frames; damaged packets are passed over as players do."""
    damaged = good = 0
    for packet in container.demux(audio=0):
        try:
            for frame in packet.decode():
                good += 1
                yield frame
        except av.error.InvalidDataError:
            damaged += 1
            if damaged > 50 and damaged > good:
                raise


def decode(source: Path, target: Path, max_seconds: float) -> Iterator[dict[str, Any]]:
    """Write `source` as stereo or mono 32-bit float WAV at its own rate and yield what is known so far.

    Raises:
        UnusableUpload: the file is not audio, is empty, damaged, or longer than `max_seconds`.
    """
    try:
        with (
            source.open("rb") as file,
            av.open(file, "r", options={"format_whitelist": CONTAINERS}, metadata_errors="replace") as container,
        ):
            if not container.streams.audio:
                raise UnusableUpload("There is no sound in this file. Upload a song, for example as MP3, FLAC or WAV.")
            stream = container.streams.audio[0]
            length = container.duration / av.time_base if container.duration else None
            too_long = f"This file is longer than {max_seconds / 60:.0f} minutes, the most we take. Cut it into parts."
            if length and length > max_seconds * 1.2:  # lengths in headers are guesses: the true one is checked below
                raise UnusableUpload(too_long)
            rate, channels = stream.codec_context.sample_rate, min(2, stream.codec_context.channels)
            layout = "stereo" if channels == 2 else "mono"
            resampler = av.AudioResampler(format="flt", layout=layout, rate=rate)
            frames = 0
            with av.open(str(target), "w", format="wav") as output:
                written = output.add_stream("pcm_f32le", rate=rate, layout=layout)
                for frame in frames_of(container):
                    frame.pts = None
                    for piece in resampler.resample(frame):
                        samples = piece.to_ndarray().astype(np.float32, copy=False)
                        if not np.isfinite(samples).all():  # broken float files hold such numbers
                            plain = av.AudioFrame.from_ndarray(
                                np.nan_to_num(samples, posinf=0, neginf=0), "flt", layout
                            )
                            plain.sample_rate = rate
                            piece = plain
                        piece.pts = None
                        before, frames = frames, frames + piece.samples
                        output.mux(written.encode(piece))
                        if frames > max_seconds * rate:
                            raise UnusableUpload(too_long)
                        if frames // (5 * rate) > before // (5 * rate):
                            yield {"fraction": min(1.0, frames / rate / length) if length else 0.0}
                output.mux(written.encode(None))
            if frames < rate // 10:
                raise UnusableUpload("There is no sound in this file. Upload a song, for example as MP3, FLAC or WAV.")
            tags = {key.lower(): value.strip() for key, value in {**stream.metadata, **container.metadata}.items()}
            yield {
                "duration": frames / rate,
                "title": tags.get("title", "")[:200],
                "artist": tags.get("artist", "")[:200],
            }
    except (av.error.FFmpegError, ValueError, EOFError) as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise
        raise UnusableUpload(
            "This is not a sound file that we can read. Upload a song, for example as MP3, FLAC or WAV."
        ) from error


def main() -> int:
    """Decode the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--max-seconds", type=float, required=True)
    parser.add_argument("--memory", type=int, required=True, help="bytes")
    parser.add_argument("--cpu-seconds", type=int, required=True)
    arguments = parser.parse_args()
    limit_self(arguments.memory, arguments.cpu_seconds)
    av.logging.set_level(None)
    try:
        for facts in decode(arguments.source, arguments.target, arguments.max_seconds):
            print(json.dumps(facts), flush=True)
    except UnusableUpload as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    except OSError as error:
        print(json.dumps({"errno": error.errno}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
