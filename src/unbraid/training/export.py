"""Exports a checkpoint as one self-describing `.onnx` file that was checked against PyTorch."""

import copy
import json
import logging
import math
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from unbraid.atomic_files import replacing
from unbraid.errors import OutputError, TrainingError, UsageError
from unbraid.evaluation.dataset import StemSong, find_songs
from unbraid.inference.model import FORMAT, ModelFacts
from unbraid.inference.runtimes import onnxruntime_module
from unbraid.training.checkpoint import averaged_weights, load_weights, read_checkpoint
from unbraid.training.networks.network import ExportGraph, SeparationNetwork
from unbraid.training.presets import find_preset
from unbraid.training.quantisation import quantise

LICENCE = "MIT"
MIN_HALVED = 1024
"""Weights with at least this many elements are stored as float16."""
MAX_DIFFERENCE = 1e-3
"""Largest difference allowed between PyTorch and the exported file: of masks in [0, 1], or of full scale."""


def export(
    checkpoint: Path, path: Path, other: Path | None = None, times: float = 1.0, int8_songs: Path | None = None
) -> dict[str, Any]:
    """Write the averaged weights of a checkpoint as ONNX.

    Args:
        checkpoint: a training checkpoint, or a model to be exported again.
        path: the model file to write.
        other: a checkpoint or model that the training started from: then the mean of both is written, because the mean
            of two such networks is often better than either ("Model soups", Wortsman et al. 2022).
        times: the weight of the other in that mean.
        int8_songs: a folder of songs as stems, or a pattern; convolutions are then computed in eight bits, scaled on
            these songs.

    Returns:
        The facts stored in the file; see `unbraid.inference.model.ModelFacts`.

    Raises:
        TrainingError: a file cannot be read or is from another network, or the output of the exported network differs
            from PyTorch's.
        InputError: the folder holds no songs.
        UsageError: the preset is unknown, or `times` is negative.
        OutputError: the file cannot be written.
    """
    songs = [] if int8_songs is None else find_songs(int8_songs)
    network, name = load_network(checkpoint)
    if other is not None:
        average_with(network, other, times)
    return write_model(network, name, path, songs)


def average_with(network: SeparationNetwork, other: Path, times: float) -> None:
    """Move the weights of `network` to the mean with those of the file `other`; see `export`."""
    if not 0 <= times < math.inf:
        raise UsageError(f"The weight in an average is a number, 0 or more, not {times:g}.")
    theirs = copy.deepcopy(network)
    load_weights(theirs, averaged_weights(other), other, grow=True)
    with torch.no_grad():
        for weight, their in zip(network.parameters(), theirs.parameters(), strict=True):
            weight.lerp_(their, times / (1 + times))


def load_network(checkpoint: Path) -> tuple[SeparationNetwork, str]:
    """Return the network with the averaged weights of a checkpoint or a model, and its preset's name.

    Raises TrainingError if the file is neither, or not from this version, and UsageError if its preset is unknown.
    """
    is_model = checkpoint.suffix == ".onnx"
    name = ModelFacts.read(checkpoint).preset if is_model else read_checkpoint(checkpoint)["preset"]
    network = find_preset(name).network.build()
    load_weights(network, averaged_weights(checkpoint), checkpoint)
    return network.eval(), name


def write_model(
    network: SeparationNetwork, name: str, path: Path, int8_songs: Sequence[StemSong] = ()
) -> dict[str, Any]:
    """Write `network`, of preset `name`, to `path` and return the facts stored; see `export`."""
    facts, graph = describe(network, name), network.export_graph()
    write_graph(graph, as_onnx(graph, facts), path, int8_songs)
    return facts


def as_onnx(graph: ExportGraph, facts: dict[str, Any]) -> Any:
    """Return the graph as an ONNX model, its weights in float32, with its facts."""
    import onnx

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns that torchvision is missing
    # left unoptimised, weights keep their names, and a training can go on from them; runtimes optimise by themselves
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch about itself
        program = torch.onnx.export(
            graph.module.eval(), (), kwargs=graph.inputs, dynamo=True, opset_version=18, output_names=[graph.output],
            dynamic_shapes=graph.dynamic_shapes, verbose=False, optimize=False,
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    for node in model.graph.node:  # stack traces name paths of this machine
        del node.metadata_props[:]
    model.doc_string, model.producer_name = "unbraid: a song in, stems out", "unbraid"
    onnx.helper.set_model_props(model, {"unbraid": json.dumps(facts, ensure_ascii=False)})
    return model


def write_graph(graph: ExportGraph, model: Any, path: Path, int8_songs: Sequence[StemSong] = ()) -> None:
    """Write `model`, which `as_onnx` made from `graph`, after checking that their outputs agree; see `export`."""
    import onnx

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            onnx.save(with_halved_weights(model), part)
            check_parity(graph, part)
            if int8_songs:
                onnx.save(with_halved_weights(quantise(model, part, int8_songs)), part)
    except OSError as error:
        raise OutputError(f"The model cannot be written to {path}: {error.strerror}.") from error


def describe(network: SeparationNetwork, name: str) -> dict[str, Any]:
    """Return the facts that a model file states about itself; see `unbraid.inference.model`."""
    config = network.config
    return {
        "format": FORMAT,
        "preset": name,
        "sources": list(config.sources),
        "sample_rate": config.sample_rate,
        "channels": config.audio_channels,
        **config.model_facts(),
        "licence": LICENCE,
        "version": version("unbraid"),
    }


def with_halved_weights(model: Any) -> Any:
    """Return a model with large weights as float16, each followed by a cast to float32, which halves the file."""
    from onnx import TensorProto, helper, numpy_helper

    model, casts = copy.deepcopy(model), []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < MIN_HALVED:
            continue
        name = tensor.name
        stored = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half")
        tensor.CopyFrom(stored)
        casts.append(helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def check_parity(graph: ExportGraph, path: Path) -> None:
    """Compare the file with PyTorch, its weights rounded alike, on noise; TrainingError if they differ too much.

    What float16 alone changes is not an export error: a mask moves by up to 2e-3 where two sources are equally strong.
    """
    session = onnxruntime_module().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {name: tensor.numpy() for name, tensor in graph.inputs.items()})
    rounded: nn.Module = copy.deepcopy(graph.module)
    with torch.no_grad():
        for weight in rounded.state_dict().values():
            if weight.is_floating_point() and weight.numel() >= MIN_HALVED:
                weight.copy_(weight.half())
        expected = rounded(**graph.inputs).numpy()
    difference = float(np.abs(np.asarray(found) - expected).max())
    if not difference <= MAX_DIFFERENCE:  # it is not a number where a weight is too large for float16
        raise TrainingError(f"The exported network differs from PyTorch by {difference:.2g}; nothing was written.")
