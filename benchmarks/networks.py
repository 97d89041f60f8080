"""Which network learns fastest: three of them on the same songs for the same time, scored on held-out songs on the way.

    python -m benchmarks.networks --data SONGS --valid HELD_OUT [--minutes 60] [--only NAME]

- `wave-u-net`: M6 of Stoller et al. 2018 (22.05 kHz, valid convolutions, difference output), stereo, five sources.
- `strided`: a waveform network of its descendants' kind (Demucs, Défossez et al. 2019): a first stride of 8, blocks
  with gated linear units and a residual path, a dilated bottleneck of seconds, difference output, 44.1 kHz.
- `filter-bank`: the preset `unbraid`, from its own initialisation.

The waveform networks minimise L1 with AdamW at 1e-3; the third is trained as its preset says. Each goes on from its own
checkpoint in OUT if it was interrupted. The picture and the table are drawn anew from all histories in OUT every time.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unbraid.stems import STEMS
from unbraid.training.data.mixes import MixingConfig, WeightedFolder
from unbraid.training.data.recording_chain import CLEAN_RECORDING
from unbraid.training.loop import TrainingConfig, train
from unbraid.training.networks.network import SeparationNetwork
from unbraid.training.networks.wave_u_net import WAVE_U_NETS
from unbraid.training.presets import PRESETS, Preset


@dataclass(frozen=True)
class StridedConfig:
    """All that defines the strided network: features and strides of each level, dilations of the bottleneck."""

    sources: tuple[str, ...] = STEMS
    sample_rate: int = 44100
    audio_channels: int = 2
    channels: tuple[int, ...] = (64, 128, 192, 256, 320, 384)
    strides: tuple[int, ...] = (8, 4, 2, 2, 2, 2)
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32)

    @property
    def stride(self) -> int:
        """Samples that a frame of the bottleneck stands for."""
        return math.prod(self.strides)

    def build(self) -> "StridedUNet":
        """Return the network with PyTorch's own random weights."""
        return StridedUNet(self)

    def excerpt_samples(self, seconds: float) -> int:
        """Return the multiple of `stride` that is nearest to `seconds`."""
        return max(1, round(seconds * self.sample_rate / self.stride)) * self.stride

    def padding(self, samples: int) -> tuple[int, int]:
        """Return the zeros before and after a song that make it a multiple of `stride`."""
        return 0, -samples % self.stride

    def model_facts(self) -> dict[str, Any]:
        """Return nothing: it is not exported."""
        return {}


class GatedBlock(nn.Module):
    """x + conv(GLU(conv(x))): one residual block of a level, (batch, channels, frames).

    Its normalisation sees the whole excerpt: to be shipped, it would have to give way to one of finite context.
    """

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.wide = nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation)
        self.back = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = x + self.back(nn.functional.glu(self.wide(self.norm(x)), 1))
        return y


class StridedUNet(SeparationNetwork):
    """Mixture (batch, channels, samples) to stems (batch, sources, channels, samples), multiples of the stride."""

    def __init__(self, config: StridedConfig) -> None:
        super().__init__()
        self.config = c = config
        inputs = (c.audio_channels, *c.channels[:-1])
        levels = list(zip(inputs, c.channels, c.strides, strict=True))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Conv1d(i, o, 2 * s, s, padding=s // 2), nn.GELU(), GatedBlock(o)) for i, o, s in levels
        )
        self.bottleneck = nn.Sequential(*(GatedBlock(c.channels[-1], dilation) for dilation in c.dilations))
        heads = (len(c.sources) - 1) * c.audio_channels
        self.up = nn.ModuleList(
            nn.Sequential(GatedBlock(o), nn.ConvTranspose1d(o, i if k else heads, 2 * s, s, padding=s // 2))
            for k, (i, o, s) in reversed(list(enumerate(levels)))
        )

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        x, skips = mixture, []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.bottleneck(x)
        for up in self.up:
            x = up(x + skips.pop())
        stems = x.unflatten(1, (-1, self.config.audio_channels))
        return torch.cat([stems, mixture.unsqueeze(1) - stems.sum(1, keepdim=True)], 1)


M6 = replace(WAVE_U_NETS["m6"], sources=STEMS, audio_channels=2)
# what the presets mixed by when the first of the three had its hour: the others are to have the same
MIXING = MixingConfig(
    p_fill_missing=0, balance_spread=2.5, speed_spread=0.12, p_feature=0, p_effect=0, recording=CLEAN_RECORDING
)
NETWORKS: dict[str, Preset] = {
    "wave-u-net": Preset("wave-u-net", M6, "l1", seconds=3, batch=4, weight_decay=0.0, mixing=MIXING),
    "strided": Preset("strided", StridedConfig(), "l1", seconds=4, batch=4, weight_decay=0.0, mixing=MIXING),
    "filter-bank": replace(PRESETS["unbraid"], name="filter-bank", mixing=MIXING),
}


def main() -> None:
    """Train what has time left, then draw and print all there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", required=True, help="FOLDER or FOLDER=WEIGHT")
    parser.add_argument("--valid", action="append", type=Path, required=True, help="folder of held-out song folders")
    parser.add_argument("--out", type=Path, default=Path("runs/networks"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", choices=NETWORKS, action="append")
    parser.add_argument("--plot", type=Path, default=Path("docs/training/networks.png"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    valid = [WeightedFolder(path) for path in args.valid]
    for name in args.only or NETWORKS:
        preset = NETWORKS[name]
        data = [WeightedFolder.parse(text) for text in args.data]
        config = TrainingConfig(preset, data, valid, args.out / name, minutes=args.minutes)
        # a validation after each 8,000 s of audio
        config.interval_steps, config.validate_every = 4_000 // int(preset.batch * preset.seconds), 2
        train(config, resume=True)
    report(args.out, args.plot)


def report(out: Path, plot: Path) -> None:
    """Print the table in Markdown and draw the gain over the time of every network in `out`."""
    histories = {name: out / name / "history.json" for name in NETWORKS}
    read = {name: json.loads(path.read_text()) for name, path in histories.items() if path.exists()}
    found = {name: history for name, history in read.items() if any("mean_gain" in entry for entry in history)}
    print(
        f"| network | parameters | steps | audio s/s | mean gain | {' | '.join(STEMS)} |\n|{'---|' * (5 + len(STEMS))}"
    )
    for name, history in found.items():
        last = next(entry for entry in reversed(history) if "mean_gain" in entry)
        preset = NETWORKS[name]
        rate = last["step"] * preset.batch * preset.seconds / last["seconds"]
        gains = " | ".join(f"{last['gain'].get(stem, float('nan')):+.2f}" for stem in STEMS)
        millions = sum(weight.numel() for weight in preset.network.build().parameters()) / 1e6
        print(f"| `{name}` | {millions:.1f} M | {last['step']} | {rate:.1f} | {last['mean_gain']:+.2f} | {gains} |")
    draw(found, plot)


def draw(found: dict[str, Sequence[dict[str, Any]]], path: Path) -> None:
    """Draw the mean gain, and that of the vocals, over the minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, label in zip(figure.subplots(1, 2), ("mean of all sources", "vocals"), strict=True):
        for name, history in found.items():
            validations = [entry for entry in history if "mean_gain" in entry]
            values = [entry["mean_gain"] if label != "vocals" else entry["gain"]["vocals"] for entry in validations]
            axes.plot([entry["seconds"] / 60 for entry in validations], values, marker=".", label=name)
        axes.set(xlabel="minutes of one processor thread", ylabel="SDR above the mixture, dB", title=label)
        axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
