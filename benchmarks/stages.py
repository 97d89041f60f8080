"""Where the time of a separation goes: when each stage is busy, and how near the network is to the processor's limit.

    python -m benchmarks.stages SONG [--plot docs/stages.png]

The song goes from its file to five WAV files in this process, the model loaded before. Every stage's
calls are timed, also those that run at the same time; waiting for another stage counts for none. The limit is the
network's multiplications at the rate at which NumPy multiplies large matrices on as many threads.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from unbraid.analysis import Analyser
from unbraid.audio import StemWriter
from unbraid.audio.decoding import SongReader
from unbraid.inference import filter_bank, stream
from unbraid.inference.devices import cpu_count
from unbraid.inference.runtimes import OpenVINORuntime
from unbraid.separator import Separator

STAGES = ("decode", "spectrum", "network", "synthesis", "last stem", "tempo and key", "write")
MATRIX = 1536

Span = tuple[float, float]


def main() -> None:
    """Separate a song under the clock; print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("song", type=Path)
    parser.add_argument("--plot", metavar="FILE.png", type=Path)
    args = parser.parse_args()
    separator = Separator()
    spans: dict[str, list[Span]] = {stage: [] for stage in STAGES}
    time_stages(spans)
    with tempfile.TemporaryDirectory() as folder:
        begun, cpu_begun = time.perf_counter(), time.process_time()
        separator.separate_file(args.song, Path(folder) / "stems")
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    spans = {stage: [(start - begun, end - begun) for start, end in spans[stage]] for stage in STAGES}
    busy = {stage: covered(spans[stage]) for stage in STAGES}
    print("| stage | busy | of the time |\n|---|---|---|")
    for stage in STAGES:
        print(f"| {stage} | {busy[stage]:.1f} s | {busy[stage] / wall:.0%} |")
    print(f"| all | {wall:.1f} s, {cpu:.1f} s of processor time | |\n")
    tile = separator._network._input_shape()
    operations = multiplications(separator.model, tile) * len(spans["network"])
    rate = multiplications_a_second(cpu_count())
    print(
        f"The network: {operations / 1e9:.0f} G multiplications, {operations / busy['network'] / 1e9:.0f} G a second;"
    )
    print(f"NumPy multiplies matrices at {rate / 1e9:.0f} G a second, which would take {operations / rate:.1f} s.")
    if args.plot:
        draw(spans, wall, args.plot)


def time_stages(spans: dict[str, list[Span]]) -> None:
    """Have every stage write down when it is busy."""

    def timed(owner: Any, name: str, stage: str) -> None:
        function: Callable[..., Any] = getattr(owner, name)

        def call(*args: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                spans[stage].append((start, time.perf_counter()))

        setattr(owner, name, call)

    blocks = SongReader.__iter__

    def decoded(reader: SongReader) -> Iterator[Any]:
        iterator = blocks(reader)
        while True:
            start = time.perf_counter()
            block = next(iterator, None)
            spans["decode"].append((start, time.perf_counter()))
            if block is None:
                return
            yield block

    SongReader.__iter__ = decoded  # type: ignore[method-assign]
    timed(filter_bank, "_spectrum_by_channel", "spectrum")
    timed(filter_bank, "band_powers", "spectrum")
    timed(OpenVINORuntime, "run", "network")
    timed(filter_bank.MaskedSynthesis, "add", "synthesis")
    timed(stream, "_difference", "last stem")
    timed(Analyser, "add", "tempo and key")
    timed(Analyser, "finish", "tempo and key")
    timed(StemWriter, "write", "write")


def covered(spans: list[Span]) -> float:
    """Return for how many seconds at least one of these lasts."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def multiplications(model: Path, shape: tuple[int, ...]) -> float:
    """Return how many multiplications the convolutions and matrix products of a model take for one input."""
    graph = openvino.Core().read_model(model)
    graph.reshape(list(shape))
    total = 0.0
    for operation in graph.get_ordered_ops():
        if operation.get_type_name() in ("Convolution", "MatMul"):
            weights = operation.input(1).get_shape()
            summed = weights[-1:] if operation.get_type_name() == "MatMul" else weights[1:]
            total += float(np.prod(operation.output(0).shape)) * float(np.prod(summed))
    return total


def multiplications_a_second(threads: int) -> float:
    """Return how fast NumPy multiplies large float32 matrices, on so many threads; the best of five tries."""
    a = np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype(np.float32)
    best = np.inf
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(5):
            start = time.perf_counter()
            list(pool.map(lambda _: a @ a, range(threads)))
            best = min(best, time.perf_counter() - start)
    return threads * MATRIX**3 / best


def draw(spans: dict[str, list[Span]], wall: float, path: Path) -> None:
    """Draw when each stage is busy."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 2.8), layout="constrained")
    for row, stage in enumerate(STAGES):
        axes.broken_barh([(start, end - start) for start, end in spans[stage]], (row - 0.4, 0.8), color=f"C{row}")
    axes.set(xlim=(0, wall), xlabel="seconds", yticks=range(len(STAGES)), yticklabels=STAGES)
    axes.invert_yaxis()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
