"""Residual blocks on frames and bands, and the levels of the U that hold them.

`forward` pads its input with zeros and computes every frame of it. `forward_valid` computes only the frames for which
the input holds everything they depend on, the "proper input context" of the Wave-U-Net (Stoller et al. 2018, section
3.2.2): for a tile of a song, nothing is computed only to be thrown away.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """LayerNorm over the features of each frame and band, for tensors (batch, features, frames, bands).

    Training is faster with the fused layer, which wants the features last; runtimes are faster without moving them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if torch.compiler.is_exporting():
            deviation = x - x.mean(1, keepdim=True)
            scale = torch.rsqrt((deviation * deviation).mean(1, keepdim=True) + self.norm.eps)
            return deviation * scale * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]
        y: Tensor = self.norm(x.permute(0, 2, 3, 1))
        return y.permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """A block that adds something to its input: nothing while its `last` layer is zero, as it is initially."""

    last: str

    def as_identity(self) -> dict[str, Tensor]:
        """Its weights, changed so that it adds nothing."""
        return {
            name: torch.zeros_like(weight) if name.startswith(self.last) else weight
            for name, weight in self.state_dict().items()
        }


class ConvBlock(ResidualBlock):
    """A residual block of neighbouring frames and bands: norm, 3 × 3 convolution, ReLU, projection."""

    last = "project"

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = ChannelNorm(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=(dilation, 1), dilation=(dilation, 1))
        self.project = zero_init(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = self.project(F.relu(self.conv(self.norm(x))))
        return x + y

    def forward_valid(self, x: Tensor, start: int) -> tuple[Tensor, int]:
        """As `Level.forward_valid`."""
        conv, reach = self.conv, self.dilation
        y = F.conv2d(self.norm(x), conv.weight, conv.bias, padding=(0, 1), dilation=(reach, 1))
        return x[:, :, reach:-reach] + self.project(F.relu(y)), start + reach


class TDFBlock(ResidualBlock):
    """A residual block across all bands of each frame: "time-distributed fully-connected" (Choi et al. 2020)."""

    last = "spread"

    def __init__(self, channels: int, bands: int, hidden: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.gather = nn.Parameter(torch.randn(hidden, bands) * bands**-0.5)
        self.spread = nn.Parameter(torch.zeros(bands, hidden))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = self.norm(x)
        if torch.compiler.is_exporting():  # the same for a runtime, which lays out its memory by itself
            return x + torch.matmul(F.relu(torch.matmul(y, self.gather.t())), self.spread.t())
        y = y.permute(0, 2, 3, 1)  # (batch, frames, bands, features), as it lies in memory
        y = torch.matmul(self.spread, F.relu(torch.matmul(self.gather, y)))
        return x + y.permute(0, 3, 1, 2)

    def forward_valid(self, x: Tensor, start: int) -> tuple[Tensor, int]:
        """As `Level.forward_valid`: a frame depends on itself alone."""
        return self(x), start


class BlockStack(nn.Sequential):
    """Blocks one after the other."""

    def forward_valid(self, x: Tensor, start: int) -> tuple[Tensor, int]:
        """As `Level.forward_valid`."""
        block: Any
        for block in self:
            x, start = block.forward_valid(x, start)
        return x, start


class Level(nn.Module):
    """One level of the U: blocks, then everything slower at half the frames and bands, then blocks beside the skip."""

    def __init__(
        self, before: BlockStack, inner: "BlockStack | Level", after: BlockStack, channels: int, inner_channels: int
    ) -> None:
        super().__init__()
        self.before, self.inner, self.after = before, inner, after
        self.down = nn.Conv2d(channels, inner_channels, 2, stride=2)
        # nearest upsampling before convolutions: no tonal artefacts of transposed convolutions (Pons et al. 2021)
        self.up = nn.Conv2d(inner_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        skip = self.before(x)
        inner = self.inner(self.down(skip))
        out: Tensor = self.after(skip + self._upsampled(inner))
        return out

    def forward_valid(self, x: Tensor, start: int) -> tuple[Tensor, int]:
        """Answer the frames in the middle, of which `x` holds all that they depend on.

        Args:
            x: (batch, features, frames, bands), an even number of frames of a tile of the song.
            start: how many of the tile's frames were left out before `x`, and as many after it.

        Returns:
            The answer and how many of the tile's frames are left out before it.
        """
        skip, start = self.before.forward_valid(x, start)
        even = start + start % 2  # frames are halved in the pairs in which they would be in the whole song
        inner, inner_start = self.inner.forward_valid(self.down(without_ends(skip, even - start)), even // 2)
        answered = 2 * inner_start
        return self.after.forward_valid(without_ends(skip, answered - start) + self._upsampled(inner), answered)

    def _upsampled(self, inner: Tensor) -> Tensor:
        return F.interpolate(self.up(inner), scale_factor=(2.0, 2.0), mode="nearest")


def without_ends(x: Tensor, frames: int) -> Tensor:
    """Return `x` (batch, features, frames, bands) without so many frames at both ends."""
    return x[:, :, frames:-frames] if frames else x


def block_stack(channels: int, bands: int, hidden: int, dilations: tuple[int, ...]) -> BlockStack:
    """A `ConvBlock` for each of the dilations in frames, each with a `TDFBlock` of so many hidden features after it."""
    pairs = ((ConvBlock(channels, dilation), TDFBlock(channels, bands, hidden)) for dilation in dilations)
    return BlockStack(*(block for pair in pairs for block in pair))


def zero_init(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with all its weights zero: residual blocks that start as the identity train from the first step."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer
