"""A report as a picture: every score between its floor and ceiling, and spectrograms of one song's stems."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unbraid.inference.filter_bank import analysis

if TYPE_CHECKING:
    from unbraid.evaluation.scores import Report

Audio = NDArray[np.float32]

EXAMPLE_SECONDS = 12
RANGE = 70.0
"""From black to white in the spectrograms, in dB."""
HIGHEST = 8
"""Top of the spectrograms, in kHz: what is above is mostly dark."""
WINDOW, HOP = 2048, 512
GREY, DARK, ACCENT, GOLD = "#c9cdd3", "#8a9099", "#5b3df5", "#d9a21b"


@dataclass(frozen=True)
class Example:
    """A few seconds of a song: its sources' references and estimates, mono, `(sources, samples)` each."""

    song: str
    start: float
    sample_rate: int
    sources: tuple[str, ...]
    references: Audio
    estimates: Audio

    @classmethod
    def of(
        cls, song: str, wanted: Sequence[str], sources: Sequence[str], references: Audio, estimates: Audio, rate: int
    ) -> "Example":
        """Cut the seconds in which most of the sources are busy.

        `references` and `estimates` of all `sources` are `(sources, channels, samples)`; only those `wanted` are kept.
        """
        chosen = [list(sources).index(source) for source in wanted]
        seconds = max(1, references.shape[-1] // rate)
        level = np.array([[np.square(s).sum() for s in np.array_split(references[i], seconds, -1)] for i in chosen])
        share = np.cumsum(level / np.maximum(level.sum(1, keepdims=True), 1e-9), 1)
        length = min(EXAMPLE_SECONDS, seconds)
        heard = share[:, length - 1 :] - np.pad(share, ((0, 0), (1, 0)))[:, : seconds - length + 1]
        start = int(np.argmax(np.sqrt(np.maximum(heard, 0)).sum(0)))  # the root: rather two a little than one a lot
        part = slice(start * rate, (start + length) * rate)
        cut = [np.stack([audio[i, :, part].mean(0) for i in chosen]) for audio in (references, estimates)]
        return cls(song, start, rate, tuple(wanted), *cut)


def draw(report: "Report", path: Path) -> None:
    """Draw the scores of all songs and, below them, the spectrograms of the report's example, to a PNG at `path`."""
    from matplotlib.figure import Figure

    example = report.example
    rows = len(example.sources) if example else 0
    figure = Figure(figsize=(11, 5 + 1.7 * rows), layout="constrained")
    if example is None:
        _draw_scores(report, figure.subplots())
    else:
        halves: Any = figure.subfigures(2, 1, height_ratios=(5, 1.7 * rows))  # one or many, in Matplotlib's types
        above, below = halves
        _draw_scores(report, above.subplots())
        _draw_example(example, below)
    figure.savefig(path, dpi=110, format="png")


def _draw_scores(report: "Report", axes: Any) -> None:
    """For each source a line per song from the mixture's SDR to the model's, and the ideal ratio mask's above it."""
    songs = list(dict.fromkeys(score.song for score in report.scores))
    for place, source in enumerate(report.sources):
        for score in report.scores:
            if score.source != source:
                continue
            x = place + (songs.index(score.song) + 1) / (len(songs) + 1) * 0.8 - 0.4
            axes.plot([x, x], [score.mixture.sdr, score.sdr], color=GREY, linewidth=3, zorder=1)
            axes.scatter(x, score.mixture.sdr, color=DARK, s=18, zorder=2, label="the mixture itself")
            axes.scatter(x, score.ceiling.sdr, color=GOLD, marker="_", zorder=2, label="ideal ratio mask")
            axes.scatter(x, score.sdr, color=ACCENT, s=30, zorder=3, label=report.model)
        axes.hlines(report.median(source), place - 0.4, place + 0.4, color="#1a1d21", linewidth=1)
    axes.set_xticks(range(len(report.sources)), report.sources)
    axes.set(
        ylabel="whole-song SDR, dB", title=f"{report.model} on {Path(report.dataset).name}: line = median of songs"
    )
    handles, labels = axes.get_legend_handles_labels()
    first = {label: handle for handle, label in zip(handles, labels, strict=True)}
    axes.legend(first.values(), first.keys(), loc="best", frameon=False)
    axes.grid(axis="y", alpha=0.3)


def _draw_example(example: Example, figure: Any) -> None:
    """Reference, estimate and error of each source, on one scale of levels for each."""
    errors = example.estimates - example.references
    audio = np.stack([example.references, example.estimates, errors], 1)
    levels = [[_levels(part) for part in source] for source in audio]
    top = example.sample_rate / 2000
    until = example.start + audio.shape[-1] / example.sample_rate
    all_axes = figure.subplots(len(example.sources), 3, sharex=True, sharey=True, squeeze=False)
    # a source that is silent here has no scale of its own
    quietest = max(float(row[0].max()) for row in levels) - RANGE / 2
    for source, row, row_axes in zip(example.sources, levels, all_axes, strict=True):
        loudest = max(float(row[0].max()), quietest)
        for level, axes in zip(row, row_axes, strict=True):
            picture = axes.imshow(
                level - loudest, extent=(example.start, until, 0, top), vmin=-RANGE, vmax=0,
                aspect="auto", origin="lower", cmap="magma",
            )  # fmt: skip
        row_axes[0].set(ylim=(0, min(top, HIGHEST)), ylabel=f"{source}\nkHz")
    for title, axes in zip(("reference", "estimate", "error"), all_axes[0], strict=True):
        axes.set_title(title, fontsize="medium")
    for axes in all_axes[-1]:
        axes.set_xlabel("s")
    figure.suptitle(example.song, fontsize="medium")
    figure.colorbar(picture, ax=all_axes, label="dB below the reference's loudest", pad=0.01)


def _levels(samples: Audio) -> NDArray[np.float32]:
    """Levels in dB, `(bins, frames)`, of `(samples,)`."""
    whole = samples[: len(samples) // HOP * HOP]
    return np.asarray(20 * np.log10(np.abs(analysis(whole[None], WINDOW, HOP)[0].T) + 1e-6), np.float32)
