"""A condition report as a picture: one panel for each model, one cell for each condition and source."""

from pathlib import Path
from typing import Any

import numpy as np

from unbraid.evaluation.robustness import ConditionReport

RANGE = 6.0
"""Change in dB that takes the whole range of colours."""


def draw_heat_map(report: ConditionReport, path: Path) -> None:
    """Draw mean SDRs as numbers, and as colours their change against clean stereo, to a PNG at `path`."""
    from matplotlib.figure import Figure

    conditions = report.names("condition")
    sources = {model: report.sources(model) for model in report.names("model")}
    widths = [len(names) for names in sources.values()]
    figure = Figure(figsize=(3.2 + 0.75 * sum(widths), 1.6 + 0.3 * len(conditions)), layout="constrained")
    panels: Any = figure.subplots(1, len(sources), sharey=True, squeeze=False, width_ratios=widths)
    for (model, names), axes in zip(sources.items(), panels[0], strict=True):
        cells = [[report.summary(model, condition, source) for source in names] for condition in conditions]
        changes = [[np.nan if cell is None else cell.change for cell in row] for row in cells]
        picture = axes.imshow(changes, vmin=-RANGE, vmax=RANGE, cmap="RdBu", aspect="auto")
        for y, row in enumerate(cells):
            for x, cell in enumerate(row):
                if cell is not None:
                    colour = "white" if abs(cell.change) > 0.6 * RANGE else "black"
                    axes.text(x, y, f"{cell.mean:.1f}", ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
        axes.set_yticks(range(len(conditions)), conditions)
        axes.set_title(model, fontsize="medium")
    figure.colorbar(picture, ax=panels, label="SDR against clean stereo, dB", extend="both")
    figure.savefig(path, dpi=110, format="png")
