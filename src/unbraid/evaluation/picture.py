"""The scores of a report as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unbraid.evaluation.report import Report


def draw(report: "Report", path: Path) -> None:
    """Draw, for each source, the SDR of every song as a dot above that of the mixture, to a PNG at `path`."""
    from matplotlib.figure import Figure

    songs = list(dict.fromkeys(score.song for score in report.scores))
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for place, source in enumerate(report.sources):
        scores = [score for score in report.scores if score.source == source]
        for score in scores:
            x = place + (songs.index(score.song) + 1) / (len(songs) + 1) * 0.8 - 0.4
            axes.plot([x, x], [score.mixture_sdr, score.sdr], color="#c9cdd3", linewidth=3, zorder=1)
            axes.scatter(x, score.mixture_sdr, color="#8a9099", s=18, zorder=2, label="the mixture itself")
            axes.scatter(x, score.sdr, color="#5b3df5", s=30, zorder=3, label=report.model)
        axes.hlines(report.median(source), place - 0.4, place + 0.4, color="#1a1d21", linewidth=1)
    axes.set_xticks(range(len(report.sources)), report.sources)
    axes.set(
        ylabel="whole-song SDR, dB", title=f"{report.model} on {Path(report.dataset).name}: line = median of songs"
    )
    handles, labels = axes.get_legend_handles_labels()
    first = {label: handle for handle, label in zip(handles, labels, strict=True)}
    axes.legend(first.values(), first.keys(), loc="best", frameon=False)
    axes.grid(axis="y", alpha=0.3)
    figure.savefig(path, dpi=120, format="png")
