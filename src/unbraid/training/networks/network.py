"""The interface of every network that can be trained, all that loop, validation and export know of it."""

from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 (the name the field uses)
from torch import Tensor, nn


class NetworkConfig(Protocol):
    """All that defines a network: a frozen dataclass whose fields are saved with the weights."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the stems, in the network's order."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def audio_channels(self) -> int:
        """1 for mono, 2 for stereo."""

    @property
    def stride(self) -> int:
        """Samples by which the input may be shifted so that the output shifts alike."""

    def build(self) -> "SeparationNetwork":
        """Return the network with fresh random weights."""

    def excerpt_samples(self, seconds: float) -> int:
        """Return how many samples a training example needs for about `seconds` of output."""

    def padding(self, samples: int) -> tuple[int, int]:
        """Return how many zeros before and after a song of `samples` samples make an input the network takes."""

    def model_facts(self) -> dict[str, Any]:
        """Return `context`, `stride`, `output` and `filter_bank` for `unbraid.inference.model.ModelFacts`."""


@dataclass(frozen=True)
class ExportGraph:
    """The part of a network that a runtime computes.

    Attributes:
        module: takes `inputs` by their names and gives one tensor. It holds the network as `network`, which is how the
            names of the weights in a model file begin.
        inputs: an example of them.
        dynamic_shapes: which dimensions of the inputs may vary, as in `torch.export`.
        output: name of what the module gives.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    dynamic_shapes: dict[str, dict[int, Any]]
    output: str


class SeparationNetwork(nn.Module):
    """Takes a mixture (batch, channels, samples) and gives stems (batch, sources, channels, samples)."""

    config: NetworkConfig
    equaliser_bins = 0
    """Frequency bins in which `training_loss` takes equalisers; 0 where it takes none."""

    def training_loss(
        self, stems: Tensor, loss: nn.Module, merge_matrix: Tensor | None = None, equalisers: Tensor | None = None
    ) -> Tensor:
        """Separate the mixture of these stems and compare.

        Args:
            stems: (batch, sources, channels, samples), in stereo.
            loss: takes estimates and references (batch, sources, channels, samples) and gives a scalar.
            merge_matrix: (batch, sources, sources), ones where an estimate counts for a stem; None: each for its own.
            equalisers: gains (batch, sources, `equaliser_bins`) that colour each stem before mixing, or None.

        Returns:
            The loss, a scalar.
        """
        if self.config.audio_channels == 1:
            stems = stems.mean(2, keepdim=True)
        estimates = self(stems.sum(1))
        if merge_matrix is not None:
            estimates = torch.einsum("bst,bt...->bs...", merge_matrix, estimates)
        value: Tensor = loss(estimates.float(), crop(stems, estimates.shape[-1]))
        return value

    def fuse(self) -> None:
        """Compile what that makes faster (here nothing); needs a C++ compiler."""

    @torch.no_grad()
    def separate(self, mixture: Tensor) -> Tensor:
        """Return the stems (sources, channels, samples) of a whole song (channels, samples)."""
        samples = mixture.shape[-1]
        padded = F.pad(mixture, self.config.padding(samples))
        stems: Tensor = self(padded[None])[0, ..., :samples]
        return stems

    def export_graph(self) -> ExportGraph:
        """Return what goes into a model file."""
        raise NotImplementedError(f"{type(self).__name__} cannot be exported.")


def crop(x: Tensor, samples: int) -> Tensor:
    """Return the middle `samples` of the last axis; if the difference is odd, one more is cut on the right."""
    start = (x.shape[-1] - samples) // 2
    return x[..., start : start + samples]
