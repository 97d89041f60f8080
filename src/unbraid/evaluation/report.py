"""A model scored on a data set: a table to read, JSON to keep, a picture to look at."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import OutputError
from unbraid.evaluation.dataset import find_songs, fold
from unbraid.evaluation.metrics import is_silent, sdr, si_sdr
from unbraid.separator import Separator

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Score:
    """What one stem of one song scores, in dB; `mixture_sdr` is what handing back the song itself would score."""

    song: str
    source: str
    sdr: float
    si_sdr: float
    mixture_sdr: float

    @property
    def gain(self) -> float:
        """SDR above the mixture, in dB."""
        return self.sdr - self.mixture_sdr


@dataclass(frozen=True)
class Report:
    """All scores of a model on a data set, silent stems left out."""

    dataset: str
    model: str
    scores: tuple[Score, ...]

    def median(self, source: str, measure: Callable[[Score], float] = lambda score: score.sdr) -> float:
        """Median over songs of a measure of one source."""
        return float(np.median([measure(score) for score in self.scores if score.source == source]))

    @property
    def sources(self) -> list[str]:
        """The sources that were scored, in the model's order."""
        return list(dict.fromkeys(score.source for score in self.scores))

    def to_json(self) -> dict[str, Any]:
        """The report as JSON: medians per source, then every score."""
        medians = {
            source: {"sdr": self.median(source), "gain": self.median(source, lambda score: score.gain)}
            for source in self.sources
        }
        scores = [{**asdict(score), "gain": score.gain} for score in self.scores]
        return {"dataset": self.dataset, "model": self.model, "medians": medians, "scores": scores}

    def table(self) -> str:
        """The report as text columns."""
        width = max([len(score.song) for score in self.scores] + [len("median")])
        lines = [
            f"{'song':{width}}  {'source':13} {'SDR':>7} {'SI-SDR':>7} {'mixture':>8} {'gain':>7}   (dB, whole song)"
        ]
        lines += [
            f"{s.song:{width}}  {s.source:13} {s.sdr:7.2f} {s.si_sdr:7.2f} {s.mixture_sdr:8.2f} {s.gain:+7.2f}"
            for s in self.scores
        ]
        for source in self.sources:
            gain = self.median(source, lambda score: score.gain)
            lines.append(f"{'median':{width}}  {source:13} {self.median(source):7.2f} {'':7} {'':8} {gain:+7.2f}")
        return "\n".join(lines)


def evaluate(dataset: Path, separator: Separator, *, on_song: Callable[[str], None] = lambda name: None) -> Report:
    """Separate every song of a data set and score its stems against the references, over the whole song.

    The mixture is the sum of the stems at the model's own sample rate. A stem that is silent in a song is left out
    there. With vocals among the sources, `accompaniment`, all that is not vocals, is scored too, for comparison with
    two-stem separators.

    Raises InputError if the data set holds no song or a file cannot be read.
    """
    scores: list[Score] = []
    for song in find_songs(dataset):
        on_song(song.name)
        references = fold(song.references(separator.sample_rate, separator.facts.channels), separator.sources)
        mixture = references.sum(0)
        estimates = separator.separate_array(mixture, separator.sample_rate)
        pairs = {name: (references[i], estimates[name]) for i, name in enumerate(separator.sources)}
        if "vocals" in pairs and "accompaniment" not in pairs:
            pairs["accompaniment"] = (mixture - pairs["vocals"][0], mixture - pairs["vocals"][1])
        for name, (reference, estimate) in pairs.items():
            if not is_silent(reference, mixture):
                scores.append(
                    Score(
                        song.name, name, sdr(reference, estimate), si_sdr(reference, estimate), sdr(reference, mixture)
                    )
                )
    return Report(str(dataset), str(separator.facts.preset), tuple(scores))


def evaluate_command(args: argparse.Namespace) -> None:
    """Run `unbraid evaluate`."""
    separator = Separator(args.model)
    report = evaluate(Path(args.dataset), separator, on_song=lambda name: print(f"{name} …", file=sys.stderr))
    print(report.table())
    try:
        if args.json:
            _replace(Path(args.json), lambda part: part.write_text(json.dumps(report.to_json(), indent=1) + "\n"))
        if args.plot:
            from unbraid.evaluation.picture import draw

            _replace(Path(args.plot), lambda part: draw(report, part))
    except OSError as error:
        raise OutputError(f"The report cannot be written to {error.filename}: {error.strerror}.") from error


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path` and rename, so that a report is whole or not there."""
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
