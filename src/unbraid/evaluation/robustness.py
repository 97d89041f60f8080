"""Scores separators under every condition: SDR by source, and the loss against clean stereo."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.evaluation.conditions import CONDITIONS, Recording
from unbraid.evaluation.dataset import find_songs, fold
from unbraid.evaluation.metrics import sdr
from unbraid.separator import Separator
from unbraid.stems import STEMS

Audio = NDArray[np.float32]
Stems = Mapping[str, Audio]
Separate = Callable[[Audio], Stems]
"""Takes a mixture `(2, samples)` and gives its stems by name."""

ACCOMPANIMENT = "accompaniment"
RESTS = ("other", ACCOMPANIMENT)
"""The sources that noise belongs to."""
CLEAN = next(iter(CONDITIONS))
SOFT = 10**-2.5
"""A source with less than this share of the song's energy (25 dB below) is left out: it would dominate the means."""


class Summary(NamedTuple):
    """SDR in dB over songs: mean, difference from clean stereo, the standard error of this difference, songs."""

    mean: float
    change: float
    error: float
    songs: int


@dataclass(frozen=True)
class ConditionScore:
    """The SDR in dB of one source of one song under one condition, by one model."""

    model: str
    song: str
    condition: str
    source: str
    sdr: float


@dataclass
class ConditionReport:
    """Scores of models on songs under conditions."""

    scores: list[ConditionScore] = field(default_factory=list)

    def names(self, of: str) -> list[str]:
        """Return the models, songs, conditions or sources of the report, in order; `of` is the field's name."""
        return list(dict.fromkeys(getattr(score, of) for score in self.scores))

    def sources(self, model: str) -> list[str]:
        """Return the sources of this model that any song has, in table order."""
        found = dict.fromkeys(score.source for score in self.scores if score.model == model)
        order = ["vocals", ACCOMPANIMENT, *STEMS, *found]
        return sorted(found, key=order.index)

    def summary(self, model: str, condition: str, source: str) -> Summary | None:
        """Return the mean over the songs that have the source in clean stereo too; None if there is none."""
        found, clean = (self._songs(model, name, source) for name in (condition, CLEAN))
        songs = [song for song in found if song in clean]
        if not songs:
            return None
        changes = [found[song] - clean[song] for song in songs]
        error = float(np.std(changes, ddof=1) / np.sqrt(len(songs))) if len(songs) > 1 else float("nan")
        mean = float(np.mean([found[song] for song in songs]))
        return Summary(mean, float(np.mean(changes)), error, len(songs))

    def _songs(self, model: str, condition: str, source: str) -> dict[str, float]:
        wanted = (model, condition, source)
        return {s.song: s.sdr for s in self.scores if (s.model, s.condition, s.source) == wanted}

    def to_json(self) -> dict[str, Any]:
        """The summaries, then every score."""
        summaries = [
            {"model": model, "condition": condition, "source": source, **_known(found._asdict())}
            for model in self.names("model")
            for condition in self.names("condition")
            for source in self.sources(model)
            if (found := self.summary(model, condition, source))
        ]
        return {"summaries": summaries, "scores": [asdict(score) for score in self.scores]}

    def table(self) -> str:
        """For each model a Markdown table of mean SDRs, with change and standard error against clean stereo."""
        return "\n\n".join(self._table(model) for model in self.names("model"))

    def _table(self, model: str) -> str:
        sources = self.sources(model)
        songs = {source: self._songs(model, CLEAN, source) for source in sources}
        head = " | ".join(f"{source} ({len(found)})" for source, found in songs.items())
        lines = [f"| {model} | {head} |", "|---" * (1 + len(sources)) + "|"]
        for condition in self.names("condition"):
            cells = [_cell(condition, self.summary(model, condition, source)) for source in sources]
            lines.append(f"| {condition} | {' | '.join(cells)} |")
        return "\n".join(lines)


def _cell(condition: str, found: Summary | None) -> str:
    if found is None:
        return "–"
    if condition == CLEAN:
        return f"**{found.mean:.1f}**"
    spread = "" if np.isnan(found.error) else f" ± {found.error:.1f}"
    return f"{found.mean:.1f} ({found.change:+.1f}{spread})"


def _known(numbers: dict[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(number) else number for name, number in numbers.items()}


def evaluate_conditions(
    dataset: Path, separator: Separator, *, on_song: Callable[[str], None] = lambda name: None
) -> ConditionReport:
    """Separate every song of a data set under every condition.

    One song at a time is in memory, under one condition: about 10 MB for each second of five stereo stems.

    Raises InputError if the data set holds no song or a file cannot be read.
    """
    report = ConditionReport()
    for song in find_songs(dataset):
        on_song(song.name)
        stems = fold(song.references(separator.sample_rate, 2), separator.sources)
        named = dict(zip(separator.sources, stems, strict=True))
        separate = partial(separator.separate_array, sample_rate=separator.sample_rate)
        report.scores += score_conditions(separator.facts.preset, separate, song.name, named, separator.sample_rate)
    return report


def score_conditions(
    model: str,
    separate: Separate,
    song: str,
    stems: Stems,
    sample_rate: int,
    conditions: Iterable[str] = tuple(CONDITIONS),
) -> list[ConditionScore]:
    """Separate a song under each condition, and score its sources.

    `stems` are `(2, samples)` by name; for a song whose band has no separate stems, "vocals" and "accompaniment".
    """
    scores = []
    for condition in conditions:
        recording = CONDITIONS[condition](stems, sample_rate)
        found = score_recording(recording, separate(recording.mixture))
        scores += [ConditionScore(model, song, condition, source, value) for source, value in found.items()]
    return scores


def score_recording(recording: Recording, estimates: Stems) -> dict[str, float]:
    """Return the SDR in dB of every source that is audible and was estimated.

    If there are vocals, everything else is scored as `accompaniment`. Noise that no source plays counts as an error
    except in `RESTS`.
    """
    references, found = dict(recording.references), dict(estimates)
    for stems in (references, found):
        others = [stem for name, stem in stems.items() if name != "vocals"]
        if "vocals" in stems and others:
            stems.setdefault(ACCOMPANIMENT, np.sum(others, axis=0, dtype=np.float32))
    music = recording.mixture - recording.noise
    if "vocals" in references and not is_heard(references["vocals"], music):
        references.pop(ACCOMPANIMENT, None)
    scores = {}
    for source in references.keys() & found.keys():
        if is_heard(references[source], music):
            estimate = found[source] - recording.noise if source in RESTS else found[source]
            scores[source] = sdr(references[source], estimate)
    return scores


def is_heard(reference: Audio, music: Audio) -> bool:
    """Return whether a stem is loud enough to be scored."""
    stem, song = (float(np.square(audio, dtype=np.float64).sum()) for audio in (reference, music))
    return stem > SOFT * song
