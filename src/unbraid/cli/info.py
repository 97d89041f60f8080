"""`unbraid info` and `unbraid bench`: what the model is, what it runs on, and how fast."""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from unbraid import __version__
from unbraid.audio import StemWriter
from unbraid.separator import Separator

BENCH_SECONDS, BENCH_RATE = 60, 44_100


def info_command(args: argparse.Namespace) -> None:
    """Print what the model says of itself and what it runs on."""
    separator = _separator(args)
    if args.json:
        facts = {"unbraid": __version__, "model": str(separator.model), "runtime": separator.runtime}
        print(json.dumps(facts | asdict(separator.facts)))
        return
    facts_of = separator.facts
    size = separator.model.stat().st_size / 1e6
    print(f"unbraid {__version__}")
    print(f"model     {separator.model} ({size:.1f} MB)")
    print(f"preset    {facts_of.preset}, version {facts_of.version}, licence {facts_of.licence}")
    print(f"stems     {', '.join(facts_of.sources)}" + (" (they sum to the song)" if facts_of.sums_to_the_song else ""))
    print(f"sound     {facts_of.sample_rate} Hz, {('mono', 'stereo')[facts_of.channels - 1]}; any song's own is kept")
    print(f"context   {facts_of.context / facts_of.sample_rate:.2f} s on each side")
    print(f"runs on   {separator.runtime}")


def bench_command(args: argparse.Namespace) -> None:
    """Separate a song from file to files, twice, and print the better speed and the peak of memory."""
    begun = time.monotonic()
    separator = _separator(args)
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
    """Return the most memory that this process has held, in MB, or None where the system does not count it so."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)


def _separator(args: argparse.Namespace) -> Separator:
    return Separator(args.model, device=args.device, precision="fp32" if args.strict else "auto")


def _made_up_song(path: Path) -> Path:
    """Write a minute of chords under noise in stereo: speed does not depend on what is played."""
    time_axis = np.arange(BENCH_SECONDS * BENCH_RATE) / BENCH_RATE
    chord = sum(np.sin(2 * np.pi * hertz * time_axis) for hertz in (110.0, 220.0, 277.2, 329.6)) / 10
    hiss = np.random.default_rng(0).normal(0, 0.02, (2, len(time_axis)))
    writer = StemWriter(path, "wav", sample_rate=BENCH_RATE, channels=2, bit_depth="16")
    writer.write((chord + hiss).astype(np.float32))
    writer.finish()
    return path
