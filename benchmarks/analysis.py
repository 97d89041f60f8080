"""How often tempo, beats, downbeats and key are right, on rendered songs: there they are known exactly.

    python -m benchmarks.analysis CORPUS/train/song-0022* [--separate]

The folders are songs that `unbraid corpus build` rendered; those from number 2200 on were never looked at while the
settings in `unbraid.analysis` were chosen. Each song is analysed from its stems and from its mixture, which shows what
the stems are worth; with `--separate` also from the stems that the shipped model makes of the mixture.

Tempo is right within 4 %. Beats and downbeats have the F-measure of mir_eval (70 ms), keys its weighted MIREX score.
Songs made of somebody's MIDI file have no known beats, and are left out.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
import soundfile
from numpy.typing import NDArray

from unbraid.analysis import Analysis, analyse
from unbraid.audio import Audio
from unbraid.separator import Separator

TAIL = 1.5  # s that ring after the last bar
BEATS_PER_BAR = 4
TOLERANCE = 0.04
FLATS_AND_SHARPS = str.maketrans("♭♯", "b#")


def main() -> None:
    """Analyse every song and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="+", metavar="SONG")
    parser.add_argument("--separate", action="store_true", help="also from separated stems")
    args = parser.parse_args()
    records = {song: json.loads((song / "song.json").read_text()) for song in args.songs}
    separator = Separator() if args.separate else None
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for song, record in records.items():
        if "key" not in record:
            continue
        stems, rate = read_stems(song)
        mixture = np.sum(list(stems.values()), axis=0)
        heard = {"its own stems": stems, "the mixture": {"mixture": mixture}}
        if separator:
            heard["separated stems"] = separator.separate_array(mixture, rate)
        for source, parts in heard.items():
            analysis = analyse(parts, rate)
            assert analysis is not None
            for measure, score in scores_of(analysis, record, mixture.shape[1] / rate).items():
                scores[source][measure].append(score)
    measures = list(next(iter(scores.values())))
    print(f"| {len(scores['the mixture']['key'])} songs, analysed from |", " | ".join(measures), "|")
    print("|---|" + "---|" * len(measures))
    for source, found in scores.items():
        print(f"| {source} |", " | ".join(f"{np.mean(found[measure]):.2f}" for measure in measures), "|", flush=True)


def read_stems(song: Path) -> tuple[dict[str, Audio], int]:
    """Return the stems `(2, samples)` and their rate."""
    stems, rate = {}, 0
    for path in sorted(song.glob("*.flac")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        stems[path.stem] = np.broadcast_to(samples.T, (2, len(samples)))
    return stems, rate


def scores_of(analysis: Analysis, record: dict[str, Any], seconds: float) -> dict[str, float]:
    """Return each measure of one song, 0 to 1."""
    key = (analysis.key or "X").translate(FLATS_AND_SHARPS)
    beats = np.arange(0, seconds - TAIL - 0.01, 60 / record["tempo"])
    ratio = (analysis.tempo or 0.0) / record["tempo"]
    return {
        "key": float(mir_eval.key.weighted_score(record["key"], key)),
        "tempo": is_near(ratio, 1),
        "tempo, or its half or double": max(is_near(ratio, times) for times in (0.5, 1, 2)),
        "beats": f_measure(beats, analysis.beats),
        "downbeats": f_measure(beats[::BEATS_PER_BAR], analysis.downbeats),
    }


def is_near(ratio: float, times: float) -> float:
    """Return 1 if a tempo is so many times the true one, else 0."""
    return float(abs(ratio / times - 1) < TOLERANCE)


def f_measure(true: NDArray[np.float64], found: list[float]) -> float:
    """Return how well the beats agree, from the fifth second on, as is the custom."""
    trim = mir_eval.beat.trim_beats
    return float(mir_eval.beat.f_measure(trim(true), trim(np.array(found)))) if found else 0.0


if __name__ == "__main__":
    main()
