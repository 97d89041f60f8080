"""How much audio the training loader mixes, and how much of it a network would need.

    python -m benchmarks.loader FOLDER... [--seconds 20] [--need 60]

`FOLDER` is a folder of song folders; the samples are decoded into a cache first, which is not counted. Rates are audio
seconds for each second of one process: of wall clock, and of processor where other work is on the machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from unbraid.stems import STEMS
from unbraid.training.data.mixes import MixDataset, MixingConfig, WeightedFolder
from unbraid.training.data.sample_cache import SampleCache

RATE = 44100
EXCERPT = 4.5  # s, as the preset trains


def main() -> None:
    """Print a table: ways of mixing down, rates across."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of song folders")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each row is measured (20)")
    parser.add_argument("--need", type=float, default=60.0, help="audio seconds a second that the network takes (60)")
    args = parser.parse_args()
    kinds = {
        "as in training": MixingConfig(),
        "one song": MixingConfig(p_same_song=1),
        "many": MixingConfig(p_same_song=0),
    }
    with tempfile.TemporaryDirectory() as folder:
        cache = SampleCache(Path(folder), RATE)
        folders = [WeightedFolder(path) for path in args.folders]
        for song in MixDataset(folders, STEMS, RATE, cache, MixingConfig(), 0).songs:
            for path in song.stems.values():
                cache[path]
        print("| mixing | audio s / wall s | audio s / CPU s | times the network's need, by CPU |\n|---|---|---|---|")
        for name, mixing in kinds.items():
            mixes = MixDataset(folders, STEMS, round(EXCERPT * RATE), cache, mixing, 0)
            mixes[0]  # what is imported and mapped once
            wall, processor, count = time.perf_counter(), time.process_time(), 0
            while time.perf_counter() - wall < args.seconds:
                count += 1
                mixes[count]
            audio = count * EXCERPT
            by_wall, by_cpu = audio / (time.perf_counter() - wall), audio / (time.process_time() - processor)
            print(f"| {name} | {by_wall:.0f} | {by_cpu:.0f} | {by_cpu / args.need:.1f} |", flush=True)


if __name__ == "__main__":
    main()
