"""`unbraid bench`: how fast songs are separated on this machine."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from unbraid.cli import options

SECONDS, RATE = 60, 44_100  # of the song that is made up


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    description = "Measure how fast songs are separated on this machine."
    parser = commands.add_parser("bench", help="measure the speed on this machine", description=description)
    parser.add_argument("song", nargs="?", metavar="SONG", help="song to time (default: a minute of synthetic sound)")
    options.add_model(parser)
    options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Separate a song from file to files, twice, and print the better speed and the peak of memory."""
    begun = time.monotonic()
    separator = options.separator(args)
    loading = time.monotonic() - begun
    with tempfile.TemporaryDirectory() as folder:
        song = Path(args.song) if args.song else _made_up_song(Path(folder) / "song.wav")
        runs: list[float] = []
        for _ in range(2):
            begun = time.monotonic()
            separated = separator.separate_file(song, Path(folder) / "stems")
            runs.append(time.monotonic() - begun)
    report: dict[str, Any] = {
        "runtime": separator.runtime,
        "stems": len(separated.stems),
        "seconds": separated.seconds,
        "load_seconds": round(loading, 3),
        "separate_seconds": round(min(runs), 3),
        "times_real_time": round(separated.seconds / min(runs), 1),
        "peak_rss_mb": peak_rss_mb(),
    }
    if args.json:
        print(json.dumps(report))
        return
    print(f"{report['runtime']}: loaded in {loading:.2f} s")
    print(
        f"{separated.seconds:.1f} s of music into {report['stems']} stems in {min(runs):.2f} s: "
        f"{report['times_real_time']:.0f} × real time"
        + (f", at most {report['peak_rss_mb']} MB of memory" if report["peak_rss_mb"] else "")
    )


def peak_rss_mb() -> int | None:
    """Return the most memory that this process has held, in MB, or None where the system does not report it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)


def _made_up_song(path: Path) -> Path:
    """Write a minute of chords under noise in stereo: speed does not depend on what is played."""
    import numpy as np

    from unbraid.audio import StemWriter

    time_axis = np.arange(SECONDS * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time_axis) for hertz in (110.0, 220.0, 277.2, 329.6)) / 10
    hiss = np.random.default_rng(0).normal(0, 0.02, (2, len(time_axis)))
    writer = StemWriter(path, "wav", sample_rate=RATE, channels=2, bit_depth="16")
    writer.write((chord + hiss).astype(np.float32))
    writer.finish()
    return path
