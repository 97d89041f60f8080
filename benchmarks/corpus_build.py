"""How fast a corpus is built, and by whom: song-seconds for each second of processor, band and voice apart.

    python -m benchmarks.corpus_build [SONGS] [--material DIR]

A song-second is one second of a song with all its stems. Nothing is written; times are of one process.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections import defaultdict
from pathlib import Path

import soundfile

from unbraid.corpus.audio_files import RATE
from unbraid.corpus.building.rendered import make_song
from unbraid.corpus.sources.folders import material_folders


def processor_time() -> float:
    """Seconds of processor of this process and of the MMA that it started."""
    return sum(os.times()[:4])


def main() -> None:
    """Make songs of a fixed seed and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", nargs="?", type=int, default=8, help="how many (8)")
    parser.add_argument("--material", type=Path, help="the folder of raw material")
    args = parser.parse_args()
    material = material_folders(args.material)
    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for number in range(args.songs):
        begin = processor_time()
        song = make_song([2026, number], "train", material)
        made = processor_time() - begin
        seconds = next(iter(song.stems.values())).shape[1] / RATE
        begin = time.process_time()
        size = 0
        for stem in song.stems.values():
            file = io.BytesIO()
            soundfile.write(file, stem.T, RATE, format="FLAC", subtype="PCM_16", compression_level=0.3)
            size += file.getbuffer().nbytes
        kind = "with a voice" if "vocals" in song.stems else "band alone"
        for name, processor in ((kind, made), ("all", made), ("encoding", time.process_time() - begin)):
            spent[name][0] += seconds
            spent[name][1] += processor
        print(
            f"{number:4} {song.record['kind']:10} {seconds:5.0f} s {made:6.1f} CPU-s {size / seconds / 1e6:5.2f} MB/s"
        )
    for name, (seconds, processor) in spent.items():
        print(f"{name:14} {seconds / processor:6.1f} song-seconds for each CPU-second")


if __name__ == "__main__":
    main()
