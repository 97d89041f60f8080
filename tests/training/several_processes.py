"""What each process of `test_distribution.py` runs: a small training in fp32, started by torchrun.

    torchrun --nproc-per-node 2 -m tests.training.several_processes FOLDER

FOLDER holds `songs` and perhaps a checkpoint in `run`, from which it goes on.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from tests.training import tiny_networks
from unbraid.training.data.mixes import WeightedFolder
from unbraid.training.loop import TrainingConfig, train

STEPS = 4


def a_run(folder: Path, name: str = "run") -> TrainingConfig:
    """Four steps of batches of two, a log line for each."""
    preset = replace(tiny_networks.tiny(tiny_networks.BANK, "masked-spectrum"), optimiser="muon")
    return TrainingConfig(
        preset, [WeightedFolder(folder / "songs")], [], folder / name,
        steps=STEPS, interval_steps=1, workers=0, fuse=False, bf16=False, device="cpu",
    )  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(a_run(Path(sys.argv[1])), resume=True)
    left = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    assert not any("gloo" in name for name in left), left  # at the interpreter's end they could abort it
