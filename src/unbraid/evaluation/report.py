"""A model scored on a data set: every song separated and measured, between the floor and the ceiling."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import InputError
from unbraid.evaluation.bsseval import bss_eval, museval_metrics
from unbraid.evaluation.dataset import find_songs, fold
from unbraid.evaluation.metrics import framewise_sdr, is_silent, median, sdr, si_sdr
from unbraid.evaluation.oracle import ideal_ratio_mask
from unbraid.evaluation.picture import Example
from unbraid.evaluation.scores import Measures, Report, Score
from unbraid.separator import Separator

Audio = NDArray[np.float32]


def evaluate(
    dataset: Path,
    separator: Separator,
    *,
    bsseval: bool = False,
    on_song: Callable[[str], None] = lambda name: None,
) -> Report:
    """Separate every song of a data set and score its stems against the references.

    The mixture is the sum of the stems at the model's own sample rate. A stem that is silent in a song is not scored
    in it. If vocals are among the sources, `accompaniment` (everything but the vocals) is scored too, for comparison
    with two-stem separators. `bsseval` adds museval's BSSEval v4 measures, which take about as long as the song.

    One song is in memory at a time: about 10 MB for each second of five stereo stems, with `bsseval` 30 MB plus 1 GB.

    Raises InputError if the data set holds no song, only silence or a file that cannot be read, and UsageError if
    museval is not installed.
    """
    if bsseval:
        museval_metrics()
    scores: list[Score] = []
    example: Example | None = None
    for song in find_songs(dataset):
        on_song(song.name)
        references = fold(song.references(separator.sample_rate, separator.facts.channels), separator.sources)
        separated = separator.separate_array(references.sum(0), separator.sample_rate)
        estimates = np.stack([separated.pop(source) for source in separator.sources])
        found = score_song(song.name, separator.sources, references, estimates, separator.sample_rate, bsseval=bsseval)
        scores += found
        names = [score.source for score in found if score.source in separator.sources]
        if len(names) > (len(example.sources) if example else 0):
            example = Example.of(song.name, names, separator.sources, references, estimates, separator.sample_rate)
    if not scores:
        raise InputError(f"Nothing can be scored: all stems in {dataset} are silent.")
    return Report(str(dataset), str(separator.facts.preset), tuple(scores), example)


def score_song(
    name: str, sources: Sequence[str], references: Audio, estimates: Audio, sample_rate: int, *, bsseval: bool = False
) -> list[Score]:
    """Score the estimates of one song: references and estimates `(sources, channels, samples)`.

    As in museval, the sources that are not silent are one task, and vocals against the accompaniment another; the
    score of the vocals is from the second.
    """
    mixture = references.sum(0)
    audio = (references, estimates, ideal_ratio_mask(references))
    sounds = [not is_silent(reference, mixture) for reference in references]
    names = [source for source, sounding in zip(sources, sounds, strict=True) if sounding]
    task = audio if all(sounds) else [x[sounds] for x in audio]
    scores = {score.source: score for score in _score(name, names, task, mixture, sample_rate, bsseval)}
    if "vocals" in names and "accompaniment" not in sources:
        vocals = [x[list(sources).index("vocals")] for x in audio]
        task = [np.stack([x, mixture - x]) for x in vocals]
        if not is_silent(task[0][1], mixture):
            pair = _score(name, ["vocals", "accompaniment"], task, mixture, sample_rate, bsseval)
            scores |= {score.source: score for score in pair}
    return list(scores.values())


def _score(
    song: str, sources: Sequence[str], task: Sequence[Audio], mixture: Audio, sample_rate: int, bsseval: bool
) -> list[Score]:
    """Score sources, none of them silent; the task holds their references, estimates and ceilings."""
    references, estimates, ceilings = task
    floors = np.broadcast_to(mixture, references.shape)
    measured = zip(*(_measure(references, audio, sample_rate) for audio in (estimates, floors, ceilings)), strict=True)
    kinds: Sequence[dict[str, float] | None] = [None] * len(sources)
    if bsseval and len(sources) > 1:  # museval needs something that interferes
        kinds = bss_eval(references, estimates, sample_rate)
    return [
        Score(song, source, estimate, floor, ceiling, kind)
        for source, (estimate, floor, ceiling), kind in zip(sources, measured, kinds, strict=True)
    ]


def _measure(references: Audio, estimates: Audio, sample_rate: int) -> list[Measures]:
    frames = framewise_sdr(references, estimates, sample_rate)
    return [Measures(sdr(r, e), si_sdr(r, e), median(f)) for r, e, f in zip(references, estimates, frames, strict=True)]
