"""How fast a catalogue is separated by the number of Dask workers, all on this machine.

    python -m benchmarks.catalogue [--songs 20] [--workers 1 2 4]

Each song is a copy of the demo song, 30 seconds; the stems are FLAC, by the shipped model. The clock runs from the
start of the command to its end, so each worker loads the model meanwhile. Prints a table in Markdown.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.dask_cluster import DaskCluster

from unbraid.inference.devices import cpu_count

SONG = Path(__file__).resolve().parents[1] / "demo/lithium-demo.flac"
LIMIT = 3600.0


def main() -> None:
    """Separate the same songs without a cluster and with several, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    args = parser.parse_args()
    print(f"{args.songs} songs, {cpu_count()} cores\n")
    print("| | seconds | songs a minute |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="unbraid-catalogue-") as name:
        folder = Path(name)
        (folder / "songs").mkdir()
        for number in range(args.songs):
            shutil.copy(SONG, folder / f"songs/{number}.flac")
        print_row("without a cluster", separate(folder, "alone"), args.songs)
        for count in args.workers:
            (folder / str(count)).mkdir()
            with DaskCluster(folder / str(count), dict(os.environ), count) as cluster:
                seconds = separate(folder, f"stems-{count}", "--dask", cluster.address)
            print_row(f"{count} worker{'s' if count > 1 else ''}", seconds, args.songs)


def separate(folder: Path, out: str, *options: str) -> float:
    """Separate all songs into a folder, and return how long it took."""
    command = [sys.executable, "-m", "unbraid", "separate", str(folder / "songs"), "-o", str(folder / out)]
    begun = time.monotonic()
    subprocess.run([*command, "--format", "flac", "--quiet", *options], check=True, timeout=LIMIT)
    return time.monotonic() - begun


def print_row(what: str, seconds: float, songs: int) -> None:
    """Print one line of the table."""
    print(f"| {what} | {seconds:.0f} | {songs * 60 / seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
