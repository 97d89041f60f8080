"""The scores of a model on a data set, as a table and as JSON."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from unbraid.evaluation.metrics import median

if TYPE_CHECKING:
    from unbraid.evaluation.picture import Example


@dataclass(frozen=True)
class Measures:
    """How close an estimate is to its reference, in dB.

    Attributes:
        sdr: over the whole song (Music Demixing Challenge).
        si_sdr: the same, whatever the estimate's level.
        frame_sdr: median over frames of one second, the SDR of BSSEval v4 (museval); NaN if no frame was scored.
    """

    sdr: float
    si_sdr: float
    frame_sdr: float


@dataclass(frozen=True)
class Score:
    """The score of one stem of one song, with those of the song itself and of the ideal ratio mask."""

    song: str
    source: str
    estimate: Measures
    mixture: Measures
    ceiling: Measures
    bsseval: dict[str, float] | None = None
    """Medians over frames of museval's four measures, if they were asked for; NaN if no frame has all sources."""

    @property
    def sdr(self) -> float:
        """SDR over the whole song, in dB."""
        return self.estimate.sdr

    @property
    def gain(self) -> float:
        """SDR above the mixture's, in dB."""
        return self.sdr - self.mixture.sdr

    @property
    def numbers(self) -> dict[str, float]:
        """All of them by flat names: `sdr`, `mixture_sdr`, `irm_sdr` and so on, `gain`, `bsseval_sir` and so on."""
        numbers = {**asdict(self.estimate), "gain": self.gain}
        numbers |= {f"mixture_{name}": value for name, value in asdict(self.mixture).items()}
        numbers |= {f"irm_{name}": value for name, value in asdict(self.ceiling).items()}
        return numbers | {f"bsseval_{name}": value for name, value in (self.bsseval or {}).items()}

    def to_json(self) -> dict[str, Any]:
        """Song, source and the numbers; null stands for what was not scored."""
        numbers = {name: _finite(value) for name, value in self.numbers.items()}
        return {"song": self.song, "source": self.source, **numbers}


@dataclass(frozen=True)
class Report:
    """All scores of a model on a data set, silent stems left out."""

    dataset: str
    model: str
    scores: tuple[Score, ...]
    example: "Example | None" = field(default=None, repr=False)
    """A few seconds of one song, for a picture."""

    def median(self, source: str, measure: Callable[[Score], float] = lambda score: score.sdr) -> float:
        """Median over songs of a measure of one source; NaN where no song has it."""
        return median(measure(score) for score in self.scores if score.source == source)

    @property
    def sources(self) -> list[str]:
        """The sources that were scored, in the model's order."""
        return list(dict.fromkeys(score.source for score in self.scores))

    def medians(self, source: str) -> dict[str, float | None]:
        """Medians over songs of every number that `Score.to_json` gives."""
        songs = [score.numbers for score in self.scores if score.source == source]
        return {name: _finite(median(song[name] for song in songs)) for name in songs[0]}

    def to_json(self) -> dict[str, Any]:
        """The report as JSON: medians per source, then every score."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "medians": {source: self.medians(source) for source in self.sources},
            "scores": [score.to_json() for score in self.scores],
        }

    def table(self) -> str:
        """The report as text columns: each measure beside that of the mixture (floor) and of the ideal ratio mask."""
        rows = [score.to_json() for score in self.scores]
        rows += [{"song": "median", "source": source, **self.medians(source)} for source in self.sources]
        width = max(len(row["song"]) for row in rows)
        bsseval = [name for name in ("bsseval_isr", "bsseval_sir", "bsseval_sar") if name in rows[0]]
        head = f"{'dB':{width}}  {'':13}" + "".join(
            f" │ {title:^{23 + 8 * (name == 'sdr')}}" for name, title in TITLES.items()
        )
        columns = f"{'song':{width}}  {'source':13}"
        for name in TITLES:
            columns += f" │ {'model':>7} {'mixture':>7} {'IRM':>7}" + (f" {'gain':>7}" if name == "sdr" else "")
        columns += (" │" if bsseval else "") + "".join(f" {name[-3:].upper():>7}" for name in bsseval)
        lines = [head, columns]
        for row in rows:
            line = f"{row['song']:{width}}  {row['source']:13}"
            for name in TITLES:
                line += " │" + "".join(_cell(row[key]) for key in (name, f"mixture_{name}", f"irm_{name}"))
                line += _cell(row["gain"], "+") if name == "sdr" else ""
            lines.append(line + (" │" if bsseval else "") + "".join(_cell(row.get(name)) for name in bsseval))
        return "\n".join(line.rstrip() for line in lines)


TITLES = {"sdr": "SDR, whole song", "si_sdr": "SI-SDR, whole song", "frame_sdr": "SDR, median of 1 s"}


def _cell(value: float | None, sign: str = "-") -> str:
    return f" {'–':>7}" if value is None else f" {value:{sign}7.2f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
