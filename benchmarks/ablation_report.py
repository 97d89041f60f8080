"""Table and picture of what `benchmarks.ablation` has found so far.

    python -m benchmarks.ablation_report [--out runs/ablation] [--table runs/ablation/table.md]
                                         [--plot docs/training/ablation.png]

For each run the median over songs of every source, then the mean over sources; over seeds the mean and the range. Songs
with a single source are left out, for there the mixture is the answer.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Line = dict[str, Any]
MEASURES = {"gain": "SDR above the mixture, dB", "si_sdr": "SI-SDR, dB"}
SILENCE = "silence"
ALONE = 60.0
"""A source this many dB above the rest has nothing to be separated from."""


def main() -> None:
    """Write the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--table", type=Path, default=Path("runs/ablation/table.md"))
    parser.add_argument("--plot", type=Path, default=Path("docs/training/ablation.png"))
    args = parser.parse_args()
    lines = [json.loads(line) for line in (args.out / "runs.jsonl").read_text().splitlines()]
    text = table(lines)
    args.table.parent.mkdir(parents=True, exist_ok=True)
    args.table.write_text(text)
    print(text)
    draw(lines, args.plot)


def sources(line: Line) -> dict[str, dict[str, float]]:
    """Return, for each source and measure, the median over the songs of one run."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in line["scores"]:
        if score["mixture_sdr"] < ALONE:
            measures = found[score["source"]]
            measures["gain"].append(score["sdr"] - score["mixture_sdr"])
            measures["si_sdr"].append(score["si_sdr"])
            measures[SILENCE].append(-score["mixture_sdr"])  # whoever answers nothing has an SDR of 0 dB
    return {
        s: {name: float(np.median(values)) for name, values in found[s].items()} for s in line["network"]["sources"]
    }


def by_loss(lines: Sequence[Line]) -> dict[str, list[dict[str, dict[str, float]]]]:
    """Return what `sources` says of every run, gathered by loss."""
    found: dict[str, list[dict[str, dict[str, float]]]] = {}
    for line in lines:
        found.setdefault(line["loss"], []).append(sources(line))
    return found


def table(lines: Sequence[Line]) -> str:
    """Return the table in Markdown, with a row for each loss and one for silence."""
    names = lines[0]["network"]["sources"]
    head = ["loss", "seeds", "SDR gain", "range", "SI-SDR", "range", *(f"{source}: gain" for source in names)]
    rows = [head, ["---"] * len(head)]
    for loss, runs in by_loss(lines).items():
        cells = [f"`{loss}`", str(len(runs))]
        for measure in MEASURES:
            means = [np.mean([run[source][measure] for source in run]) for run in runs]
            cells += [f"{np.mean(means):+.2f}", f"{min(means):+.2f} … {max(means):+.2f}"]
        rows.append(cells + [f"{np.mean([run[source]['gain'] for run in runs]):+.2f}" for source in names])
    nothing = [sources(lines[0])[source][SILENCE] for source in names]
    rows.append([SILENCE, "", f"{np.mean(nothing):+.2f}", "", "–∞", "", *(f"{gain:+.2f}" for gain in nothing)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def draw(lines: Sequence[Line], path: Path) -> None:
    """Draw, for each measure, every run of every loss as a dot over each source, with the mean over seeds as a bar."""
    from matplotlib.figure import Figure

    sounds, found = lines[0]["network"]["sources"], by_loss(lines)
    names = [*sounds, "mean"]
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, (measure, label) in zip(figure.subplots(1, 2), MEASURES.items(), strict=True):
        for k, (loss, runs) in enumerate(found.items()):
            values = np.array([[run[source][measure] for source in sounds] for run in runs])
            values = np.column_stack([values, values.mean(1)])
            places = np.arange(len(names)) + 0.18 * (k - (len(found) - 1) / 2)
            colour = f"C{k}"
            axes.bar(places, values.mean(0), 0.16, color=colour, alpha=0.35, label=loss)
            for run in values:
                axes.scatter(places, run, color=colour, s=12, zorder=3)
        axes.axhline(0, color="#8a9099", linewidth=1)
        axes.set_xticks(range(len(names)), names)
        axes.set(ylabel=label)
        axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    steps = lines[0]["steps"]
    figure.suptitle(f"One small Wave-U-Net, {steps} steps under each loss; dots are seeds", fontsize="medium")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
