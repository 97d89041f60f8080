"""A picture of the loss and the validation scores of a training run."""

from pathlib import Path
from typing import Any

from unbraid.atomic_files import replacing


def plot_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Draw the loss of each interval and the mean SDR gain of each validation against hours of training."""
    from matplotlib.figure import Figure

    intervals = [entry for entry in history if "loss" in entry]
    validations = [entry for entry in history if "gain" in entry]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([e["seconds"] / 3600 for e in intervals], [e["loss"] for e in intervals])
    left.set(xlabel="hours", ylabel="training loss", title="Loss")
    sources = sorted({name for e in validations for name in e["gain"]})
    for source in sources:
        points = [(e["seconds"] / 3600, e["gain"][source]) for e in validations if source in e["gain"]]
        right.plot([x for x, _ in points], [y for _, y in points], marker=".", label=source)
    right.set(xlabel="hours", ylabel="SDR above the mixture, dB", title="Held-out songs")
    if sources:
        figure.legend(loc="outside right center")  # where it hides no line
    with replacing(path) as part:
        figure.savefig(part, dpi=120, format="png")
