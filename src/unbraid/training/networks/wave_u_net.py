"""The Wave-U-Net of Stoller, Ewert and Dixon (ISMIR 2018): a 1-D U-Net on the samples, in all its published variants.

    samples ─▶ conv 15 ─┬─▶ ↓2 ─▶ conv 15 ─┬─▶ ↓2 ─▶ … conv 15 … ─▶ ↑2 ─▶ concat ─▶ conv 5 ─▶ ↑2 ─▶ concat ─▶ conv 5
                        │                  └───────────────────────────────┘                          │
                        └─────────────────────────────────────────────────────────────────────────────┘

Level i has 24·i features. With `context` all convolutions are valid: the input is longer than the output, and no output
sample ever sees padding (section 3.2.2 of the paper).
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn

from unbraid.training.networks.network import ExportGraph, SeparationNetwork, crop


@dataclass(frozen=True)
class WaveUNetConfig:
    """All that defines the network. Filter sizes are in samples of their level; rates in Hz.

    Attributes:
        levels: down-sampling levels; the bottleneck comes after the last.
        channels: features added at each level (24 in the paper).
        down_filter, up_filter, output_filter: lengths of the convolutions.
        context: valid convolutions, input longer than output; otherwise same padding (zeros).
        downsampling: drop every other sample, or let a strided convolution choose.
        upsampling: linear interpolation, or a learned convex weight between neighbours for each feature (equation 1).
        output: each source by itself, or the last source as the mixture minus the others (section 3.2.1).
    """

    sources: tuple[str, ...] = ("accompaniment", "vocals")
    sample_rate: int = 22050
    audio_channels: int = 1
    levels: int = 12
    channels: int = 24
    down_filter: int = 15
    up_filter: int = 5
    output_filter: int = 1
    context: bool = False
    downsampling: Literal["decimation", "strided"] = "decimation"
    upsampling: Literal["linear", "learned"] = "linear"
    output: Literal["direct", "difference"] = "direct"

    @property
    def stride(self) -> int:
        """Samples by which the input may be shifted so that the output shifts alike."""
        return int(2**self.levels)

    def shapes(self, wanted: int) -> tuple[int, int]:
        """(input, output) samples of the smallest valid network whose output has at least `wanted` samples.

        Without context both are `wanted` rounded up to a multiple of `stride`.
        """
        if not self.context:
            samples = -(-wanted // self.stride) * self.stride
            return samples, samples
        bottleneck = 1
        while self._output(bottleneck) < wanted:
            bottleneck += 1
        return self._input(bottleneck), self._output(bottleneck)

    @property
    def tile_context(self) -> int:
        """Samples on each side of a tile that its answer depends on."""
        if self.context:
            longer, output = self.shapes(self.stride)
            return (longer - output) // 2 + output - self.stride
        reach = (self.down_filter // 2) * 2**self.levels
        for level in range(self.levels):
            reach += 2**level * (self.down_filter // 2 + self.up_filter // 2 + 2)
        return int(-(-(reach + self.output_filter // 2) // self.stride) * self.stride)

    def build(self) -> "WaveUNet":
        """Return the network with PyTorch's own random weights."""
        return WaveUNet(self)

    def excerpt_samples(self, seconds: float) -> int:
        """Return the input of the smallest network that gives at least `seconds`."""
        return self.shapes(round(seconds * self.sample_rate))[0]

    def padding(self, samples: int) -> tuple[int, int]:
        """Return the zeros before and after a song that make it an input of which every sample is answered."""
        longer, output = self.shapes(samples)
        before = (longer - output) // 2
        return before, longer - before - samples

    def model_facts(self) -> dict[str, Any]:
        """Return what a model file says of the network; see `NetworkConfig`."""
        return {"context": self.tile_context, "stride": self.stride, "output": self.output, "filter_bank": None}

    def _output(self, bottleneck: int) -> int:
        n = bottleneck
        for _ in range(self.levels):
            n = 2 * n - 1 - (self.up_filter - 1)  # interpolation puts one sample between each two
        return n - (self.output_filter - 1)

    def _input(self, bottleneck: int) -> int:
        n = bottleneck + self.down_filter - 1
        for _ in range(self.levels):
            # decimation keeps the first and the last sample; a strided convolution of three takes one more on each side
            n = 2 * n - 1 + 2 * (self.downsampling == "strided") + self.down_filter - 1
        return n


class Upsample(nn.Module):
    """Twice the rate: the samples themselves and, between each two, their mean or a learned convex combination.

    With context n samples become 2n − 1; without, the last one is repeated to make 2n.
    """

    def __init__(self, channels: int, learned: bool, context: bool) -> None:
        super().__init__()
        self.context = context
        self.weight = nn.Parameter(torch.zeros(channels, 1)) if learned else None  # sigmoid(0) = ½: starts linear

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        following = torch.cat([x[..., 1:], x[..., -1:]], -1)
        share = 0.5 if self.weight is None else torch.sigmoid(self.weight)
        between = share * x + (1 - share) * following
        y = torch.stack([x, between], -1).flatten(-2)
        return y[..., :-1] if self.context else y


class WaveUNet(SeparationNetwork):
    """Mixture (batch, channels, samples) to stems (batch, sources, channels, fewer samples), as in the drawing."""

    config: WaveUNetConfig

    def __init__(self, config: WaveUNetConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        widths = [c.channels * (level + 1) for level in range(c.levels + 1)]

        def conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv1d:
            return nn.Conv1d(inputs, outputs, size, stride=stride, padding=0 if c.context else size // 2)

        self.down = nn.ModuleList(
            conv(inputs, outputs, c.down_filter)
            for inputs, outputs in zip([c.audio_channels, *widths[:-2]], widths[:-1], strict=True)
        )
        self.reduce = nn.ModuleList(
            nn.Conv1d(w, w, 3, stride=2, padding=0 if c.context else 1)
            if c.downsampling == "strided"
            else nn.Identity()
            for w in widths[:-1]
        )
        self.bottleneck = conv(widths[-2], widths[-1], c.down_filter)
        learned = c.upsampling == "learned"
        self.upsample = nn.ModuleList(Upsample(w, learned, c.context) for w in reversed(widths[1:]))
        self.up = nn.ModuleList(
            conv(deep + skip, skip, c.up_filter)
            for deep, skip in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        )
        outputs = len(c.sources) - (c.output == "difference")
        self.head = conv(widths[0] + c.audio_channels, outputs * c.audio_channels, c.output_filter)

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        x, skips = mixture, []
        for conv, reduce in zip(self.down, self.reduce, strict=True):
            x = F.leaky_relu(conv(x), 0.2)
            skips.append(x)
            x = reduce(x)[..., ::2] if isinstance(reduce, nn.Identity) else reduce(x)
        x = F.leaky_relu(self.bottleneck(x), 0.2)
        for upsample, conv in zip(self.upsample, self.up, strict=True):
            x = upsample(x)
            x = F.leaky_relu(conv(torch.cat([crop(skips.pop(), x.shape[-1]), x], 1)), 0.2)
        y = torch.tanh(self.head(torch.cat([crop(mixture, x.shape[-1]), x], 1)))
        stems = y.unflatten(1, (-1, self.config.audio_channels))
        if self.config.output == "difference":
            last = crop(mixture, stems.shape[-1]).unsqueeze(1) - stems.sum(1, keepdim=True)
            stems = torch.cat([stems, last], 1)
        return torch.as_tensor(stems)

    def export_graph(self) -> ExportGraph:
        """The whole network, on a tile of any number of strides."""
        c = self.config
        mixture = 0.1 * torch.randn(1, c.audio_channels, 2 * c.tile_context + 2 * c.stride)
        return ExportGraph(TileGraph(self), {"mixture": mixture}, {"mixture": {2: torch.export.Dim.AUTO}}, "stems")


class TileGraph(nn.Module):
    """The network as it is exported: it takes a tile with its context on both sides and gives the tile alone."""

    def __init__(self, network: WaveUNet) -> None:
        super().__init__()
        self.network, self.context = network, network.config.tile_context

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        config = self.network.config
        samples = mixture.shape[-1] - 2 * self.context
        if not config.context:
            return torch.as_tensor(self.network(mixture)[..., self.context : self.context + samples])
        # the smallest valid network answers a few samples more than whole strides: they are cut off on the right
        spare = config.shapes(config.stride)[1] - config.stride
        return torch.as_tensor(self.network(mixture[..., spare:])[..., :samples])


_M1 = WaveUNetConfig()
_M2 = replace(_M1, output="difference")
_M3 = replace(_M2, context=True)
_M4 = replace(_M3, audio_channels=2)
_M5 = replace(_M4, upsampling="learned")
_M6 = replace(_M4, sources=("bass", "drums", "other", "vocals"))

WAVE_U_NETS: dict[str, WaveUNetConfig] = {
    "m1": _M1,
    "m2": _M2,
    "m3": _M3,
    "m4": _M4,
    "m5": _M5,
    "m6": _M6,
    "m5-highsr": replace(_M5, sample_rate=44100),
    "m7": replace(_M1, sample_rate=8192, channels=34),
}
