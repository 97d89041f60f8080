"""Which loss suits a Wave-U-Net: the same network, songs, order and steps under each, several seeds, held-out songs.

    python -m benchmarks.ablation --data SONGS --valid HELD_OUT [--steps 600] [--seeds 3]

The network is M6 of the paper (22.05 kHz mono, valid convolutions, difference output, four sources) reduced to what a
processor can train in minutes: 9 levels of 12 features each instead of 12 of 24. A seed decides the first weights and
every excerpt, so that the losses of one seed see the same examples in the same order. Every finished run adds a line to
OUT/runs.jsonl; a run that is there already is left out, one that was interrupted goes on. `benchmarks.ablation_report`
makes table and picture of the lines.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unbraid.evaluation.dataset import find_songs, fold
from unbraid.evaluation.metrics import is_silent, sdr, si_sdr
from unbraid.training.data.mixes import WeightedFolder
from unbraid.training.data.sample_cache import SampleCache
from unbraid.training.loop import TrainingConfig, train
from unbraid.training.networks.network import SeparationNetwork
from unbraid.training.networks.wave_u_net import WAVE_U_NETS
from unbraid.training.presets import Preset
from unbraid.training.validation import load_middle

LOSSES = ("mse", "l1", "stft", "l1+stft")
NETWORK = replace(WAVE_U_NETS["m6"], levels=9, channels=12)


def main() -> None:
    """Train and score all that is missing, one seed of every loss after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of song folders to train on")
    parser.add_argument("--valid", type=Path, required=True, help="folder of held-out song folders")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    lines = args.out / "runs.jsonl"
    for seed in range(args.seeds):
        for loss in LOSSES:
            finished = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
            if any((line["loss"], line["seed"], line["steps"]) == (loss, seed, args.steps) for line in finished):
                continue
            line = one_run(loss, seed, args.steps, args.data, args.valid, args.out)
            with lines.open("a") as file:
                file.write(json.dumps(line) + "\n")
            gain = np.mean([entry["sdr"] - entry["mixture_sdr"] for entry in line["scores"]])
            print(f"{loss}, seed {seed}: {gain:+.2f} dB above the mixture", flush=True)


def one_run(loss: str, seed: int, steps: int, data: Path, valid: Path, out: Path) -> dict[str, Any]:
    """Train with one loss and seed and return the scores of the averaged weights on held-out songs."""
    preset = Preset("wave-u-net-ablation", NETWORK, loss, seconds=1.0, batch=4, learning_rate=1e-3, weight_decay=0.0)
    folder = out / f"{loss}-{steps}-{seed}"
    config = TrainingConfig(preset, [WeightedFolder(data)], [], folder, steps=steps, seed=seed, workers=0)
    state = train(config, resume=True)
    return {
        "loss": loss, "seed": seed, "steps": steps, "batch": preset.batch, "network": asdict(NETWORK),
        "parameters": sum(weight.numel() for weight in state.network.parameters()), "seconds": state.seconds,
        "curve": [entry["loss"] for entry in state.history if "loss" in entry],
        "scores": score(state.averaged_network, valid, SampleCache(out / "samples", NETWORK.sample_rate)),
    }  # fmt: skip


def score(network: SeparationNetwork, valid: Path, cache: SampleCache) -> list[dict[str, Any]]:
    """SDR and SI-SDR, in dB, of the network and of the mixture itself, in the middle 40 s of every held-out song."""
    scores = []
    for song in find_songs(valid):
        stems = fold(load_middle(song, cache, network.config.audio_channels), network.config.sources)
        mixture = stems.sum(0)
        estimates = network.separate(torch.from_numpy(mixture)).numpy()
        for source, reference, estimate in zip(network.config.sources, stems, estimates, strict=True):
            if not is_silent(reference, mixture):
                scores.append({
                    "song": song.name, "source": source,
                    "sdr": sdr(reference, estimate), "mixture_sdr": sdr(reference, mixture),
                    "si_sdr": si_sdr(reference, estimate), "mixture_si_sdr": si_sdr(reference, mixture),
                })  # fmt: skip
    return scores


if __name__ == "__main__":
    main()
