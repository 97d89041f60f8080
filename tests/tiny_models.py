"""Small models with random weights that keep the contract of a real export: they test the engine, not the sound."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SOURCES = ("vocals", "drums", "bass", "piano", "other")


def write_waveform_model(path: Path, *, seed: int = 0, **changed: Any) -> Path:
    """Write two valid convolutions with biases and a leaky ReLU between: 40 samples of context."""
    facts = _facts(context=40, stride=4, output="difference") | changed
    channels, stems = facts["channels"], len(facts["sources"]) * facts["channels"]
    generator = np.random.default_rng(seed)
    arrays = {
        "w1": generator.normal(0, 0.1, (6, channels, 61)),
        "b1": generator.normal(0, 0.1, 6),
        "w2": generator.normal(0, 0.1, (stems, 6, 21)),
        "b2": generator.normal(0, 0.1, stems),
        "shape": np.array([1, len(facts["sources"]), channels, -1]),
    }
    nodes = [
        helper.make_node("Conv", ["mixture", "w1", "b1"], ["hidden"]),
        helper.make_node("LeakyRelu", ["hidden"], ["active"], alpha=0.2),
        helper.make_node("Conv", ["active", "w2", "b2"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["stems"]),
    ]
    return _write(
        path, facts, nodes, arrays, ("mixture", [1, channels, "samples"]), ("stems", [1, None, channels, "kept"])
    )


def write_mask_model(path: Path, *, window: int = 256, hop: int = 64, seed: int = 0, **changed: Any) -> Path:
    """Write a convolution over five frames of log powers and a softmax over the sources."""
    bands = window // 2
    bank = {"window": window, "hop": hop, "bands": [[1, bands]]}
    facts = _facts(context=512, stride=128, output="ratio", filter_bank=bank) | changed
    channels, sources = facts["channels"], len(facts["sources"])
    views = 4 if channels == 2 else channels
    generator = np.random.default_rng(seed)
    arrays = {
        "floor": np.array(1e-6, np.float32),
        "w": generator.normal(0, 0.3, (sources * channels, views, 5, 1)),
        "b": generator.normal(0, 0.3, sources * channels),
        "shape": np.array([1, sources, channels, -1, bands]),
    }
    nodes = [
        helper.make_node("Add", ["powers", "floor"], ["lifted"]),
        helper.make_node("Log", ["lifted"], ["features"]),
        helper.make_node("Conv", ["features", "w", "b"], ["flat"], pads=[2, 0, 2, 0]),
        helper.make_node("Reshape", ["flat", "shape"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["masks"], axis=1),
    ]
    return _write(
        path,
        facts,
        nodes,
        arrays,
        ("powers", [1, views, "frames", bands]),
        ("masks", [1, None, channels, "frames", bands]),
    )


def _facts(**changed: Any) -> dict[str, Any]:
    return {
        "format": 2,
        "preset": "tiny",
        "sources": SOURCES,
        "sample_rate": 44_100,
        "channels": 2,
        "filter_bank": None,
        "licence": "MIT",
        "version": "0",
    } | changed


def _write(
    path: Path,
    facts: dict[str, Any],
    nodes: list[onnx.NodeProto],
    arrays: dict[str, np.ndarray],
    given: tuple[str, list[Any]],
    answered: tuple[str, list[Any]],
) -> Path:
    weights = [
        numpy_helper.from_array(a if a.dtype == np.int64 else a.astype(np.float32), name) for name, a in arrays.items()
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(answered[0], TensorProto.FLOAT, answered[1])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"unbraid": json.dumps(facts)})
    onnx.save(model, path)
    return path
