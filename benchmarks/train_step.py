"""How many seconds of audio a training takes in per second of wall clock, and what each measure for speed gives.

    python -m benchmarks.train_step [--preset unbraid] [--steps 5] [--threads 2]

Each variant runs in a process of its own, on the same noise, one after the other: compare the ratios, not the times.
"""

import argparse
import subprocess
import sys
import time

VARIANTS = {
    "as it comes": (),
    "bfloat16": ("bf16",),
    "… and element-wise work fused": ("bf16", "fuse"),
    "… and freed memory kept": ("bf16", "fuse", "keep"),
}


def main() -> None:
    """Run every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="unbraid")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--measures", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measures is not None:
        print(audio_per_second(args.preset, args.steps, args.threads, set(args.measures.split(","))))
        return
    print(f"{args.preset}, {args.threads} threads, median of {args.steps} steps")
    first = None
    for name, measures in VARIANTS.items():
        command = [sys.executable, "-m", "benchmarks.train_step", "--preset", args.preset, "--steps", str(args.steps)]
        command += ["--threads", str(args.threads), "--measures", ",".join(measures)]
        rate = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        first = first or rate
        print(f"{name:32} {rate:6.1f} audio s/s   × {rate / first:.2f}", flush=True)


def audio_per_second(name: str, steps: int, threads: int, measures: set[str]) -> float:
    """Return the seconds of audio that an optimiser step takes in per second, loader excluded."""
    from pathlib import Path

    import torch

    from unbraid.training import loop, memory
    from unbraid.training.data.mixes import TrainingExample
    from unbraid.training.presets import find_preset

    torch.set_num_threads(threads)
    if "keep" in measures:
        memory.keep_freed_memory()
    chosen = find_preset(name)
    run = loop.TrainingConfig(chosen, [], [], Path("unused"), steps=10**6, bf16="bf16" in measures, device="cpu")
    state = loop.initial_state(run)
    if "fuse" in measures:
        state.network.fuse()
    config, objective = chosen.network, loop.Objective(state.network, chosen.build_loss())
    stems = 0.1 * torch.randn(chosen.batch, len(config.sources), config.audio_channels, chosen.excerpt_samples)
    merge_matrix = torch.eye(len(config.sources)).expand(chosen.batch, -1, -1)
    times = []
    for _ in range(steps + 2):  # the first two compile and warm up
        began = time.perf_counter()
        loop.train_step(run, state, objective, TrainingExample(stems, merge_matrix))
        times.append(time.perf_counter() - began)
    median = sorted(times[2:])[steps // 2]
    return chosen.batch * chosen.excerpt_samples / config.sample_rate / median


if __name__ == "__main__":
    main()
