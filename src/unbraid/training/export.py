"""The way out: a checkpoint becomes one `.onnx` file that says all about itself and was checked against PyTorch."""

import copy
import json
import math
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unbraid.atomic_files import replacing
from unbraid.errors import OutputError, TrainingError, UsageError
from unbraid.inference.model import FORMAT
from unbraid.inference.runtimes import onnxruntime_module
from unbraid.training.checkpoint import averaged, read, restore
from unbraid.training.networks.filter_bank_u_net import FilterBankUNet
from unbraid.training.networks.wave_u_net import WaveUNet
from unbraid.training.presets import Network, preset

LICENCE = "MIT"
LARGE = 1024
"""Weights with at least so many elements are stored as float16."""
PARITY = 1e-3
"""Largest difference allowed between PyTorch and the exported file: of masks in [0, 1], or of full scale."""


class Masks(nn.Module):
    """The part of a filter-bank network that is exported: everything but the filter bank."""

    def __init__(self, network: FilterBankUNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, powers: Tensor) -> Tensor:  # noqa: D102
        return self.network.band_masks(powers)


class Tile(nn.Module):
    """A waveform network that takes a tile with its context on both sides and answers the tile alone."""

    def __init__(self, network: WaveUNet) -> None:
        super().__init__()
        self.network = network
        self.context = network.config.tile_context

    def forward(self, mixture: Tensor) -> Tensor:  # noqa: D102
        config, samples = self.network.config, mixture.shape[-1] - 2 * self.context
        if not config.context:
            return torch.as_tensor(self.network(mixture)[..., self.context : self.context + samples])
        # the smallest valid network answers a few samples more than whole strides: they are cut off on the right
        spare = config.shapes(config.stride)[1] - config.stride
        return torch.as_tensor(self.network(mixture[..., spare:])[..., :samples])


def export(checkpoint: Path, path: Path, other: Path | None = None, times: float = 1.0) -> dict[str, Any]:
    """Write the averaged weights of `checkpoint` to `path` as ONNX and return the facts that were put inside.

    With `other`, a checkpoint or model that the training went on from, they are the mean of both, in which the other's
    count so many times: between two such networks lie better ones than either ("Model soups", Wortsman et al. 2022).
    Raises TrainingError if a file cannot be read or is of another network, or if the exported network answers
    otherwise than PyTorch; UsageError if the other's weights count less than nothing.
    """
    network, name = load(checkpoint)
    if other is not None:
        mix(network, other, times)
    return write(network, name, path)


def mix(network: Network, other: Path, times: float) -> None:
    """Move the weights of `network` to the mean with those of the file `other`; see `export`."""
    if not 0 <= times < math.inf:
        raise UsageError(f"The other weights cannot count {times:g} times: --times 3, for instance.")
    theirs = copy.deepcopy(network)
    restore(theirs, averaged(other), other, grow=True)
    with torch.no_grad():
        for weight, their in zip(network.parameters(), theirs.parameters(), strict=True):
            weight.lerp_(their, times / (1 + times))


def load(checkpoint: Path) -> tuple[Network, str]:
    """Return the network with the averaged weights of a checkpoint, and its preset's name.

    Raises TrainingError if the file is no checkpoint of this version, UsageError if its preset is unknown.
    """
    saved = read(checkpoint)
    network = preset(saved["preset"]).build()
    restore(network, saved["average"], checkpoint)
    return network.eval(), saved["preset"]


def write(network: Network, name: str, path: Path) -> dict[str, Any]:
    """Write `network`, of preset `name`, to `path`; see `export`."""
    import onnx

    facts = describe(network, name)
    config = network.config
    module: nn.Module
    if isinstance(network, FilterBankUNet):
        frames = 4 * 2**network.config.levels
        module, output = Masks(network), "masks"
        inputs = {"powers": 100 * torch.rand(1, network.views, frames, network.config.n_bands)}
        dynamic = {"powers": {2: 2**network.config.levels * torch.export.Dim("steps", min=1, max=4096)}}
    else:
        module, output = Tile(network), "stems"
        samples = 2 * facts["context"] + 2 * facts["stride"]
        inputs = {"mixture": 0.1 * torch.randn(1, config.audio_channels, samples)}
        dynamic = {"mixture": {2: torch.export.Dim.AUTO}}
    # left unoptimised, weights keep their names, and a training can go on from them; runtimes optimise by themselves
    program = torch.onnx.export(
        module.eval(), (), kwargs=inputs, dynamo=True, opset_version=18, output_names=[output], dynamic_shapes=dynamic,
        verbose=False, optimize=False,
    )  # fmt: skip
    assert program is not None
    model = program.model_proto
    halve(model)
    for node in model.graph.node:  # stack traces name paths of this machine
        del node.metadata_props[:]
    model.doc_string, model.producer_name = "unbraid: a song in, stems out", "unbraid"
    onnx.helper.set_model_props(model, {"unbraid": json.dumps(facts, ensure_ascii=False)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            onnx.save(model, part)
            check(module, inputs, part)
    except OSError as error:
        raise OutputError(f"The model cannot be written to {path}: {error.strerror}.") from error
    return facts


def describe(network: Network, name: str) -> dict[str, Any]:
    """Return what a model file says of itself; see `unbraid.inference.model`."""
    config = network.config
    return {
        "format": FORMAT,
        "preset": name,
        "sources": list(config.sources),
        "sample_rate": config.sample_rate,
        "channels": config.audio_channels,
        "context": network.config.context if isinstance(network, FilterBankUNet) else network.config.tile_context,
        "stride": config.stride,
        "output": "ratio" if isinstance(network, FilterBankUNet) else network.config.output,
        "filter_bank": filter_bank(network),
        "licence": LICENCE,
        "version": version("unbraid"),
    }


def filter_bank(network: Network) -> dict[str, Any] | None:
    """Return the facts of the transform around the network's body, if it has one."""
    if not isinstance(network, FilterBankUNet):
        return None
    config = network.config
    return {"window": config.window, "hop": config.hop, "bands": [list(band) for band in config.bands]}


def halve(model: Any) -> None:
    """Store large weights as float16, each followed by a cast to float32: half the file, the same arithmetic."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LARGE:
            continue
        name = tensor.name
        stored = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half")
        tensor.CopyFrom(stored)
        casts.append(helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def check(module: nn.Module, inputs: dict[str, Tensor], path: Path) -> None:
    """Compare the file with PyTorch, its weights rounded alike, on noise; TrainingError if they differ too much.

    What float16 changes by itself is no error of the export: a mask moves by up to 2e-3 where two sources are even.
    """
    session = onnxruntime_module().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    rounded = copy.deepcopy(module)
    with torch.no_grad():
        for weight in rounded.state_dict().values():
            if weight.is_floating_point() and weight.numel() >= LARGE:
                weight.copy_(weight.half())
        expected = rounded(**inputs).numpy()
    difference = float(np.abs(np.asarray(found) - expected).max())
    if not difference <= PARITY:  # it is not a number where a weight is too large for float16
        raise TrainingError(f"The exported network differs from PyTorch by {difference:.2g}; nothing was written.")
