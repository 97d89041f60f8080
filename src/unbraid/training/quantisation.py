"""Quantises the convolutions of a model to eight bits; the ranges of their inputs are measured on songs.

Weights are rounded to seven bits, because processors without VNNI add up pairs of products in sixteen bits.
(Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference".)
"""

import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unbraid.audio import read
from unbraid.audio.types import Audio
from unbraid.errors import TrainingError
from unbraid.evaluation.dataset import StemSong
from unbraid.inference.network import Network
from unbraid.inference.runtimes import Runtime, onnxruntime_module

MEASURED_SECONDS = 20  # from the middle of each song
MAX_ERROR = 0.1
"""Largest error allowed: root mean square, relative to the output's."""

PREPROCESSED = ("onnx.quant.pre_process", "onnxruntime.quant")
"""Marks a graph as optimised already: without it, ONNX Runtime logs its advice to do so."""


def quantise(model: Any, written: Path, songs: Sequence[StemSong]) -> Any:
    """Return `model`, an ONNX graph with weights in float32, with its convolutions in eight bits.

    Args:
        model: not changed.
        written: the same as a file, to run.
        songs: to measure on.

    Raises:
        InputError: a song cannot be read.
        TrainingError: the output for these songs would differ too much: eight bits are too few for this network.
    """
    import onnx

    onnxruntime = onnxruntime_module()
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    tiles = _tiles(written, songs)
    weights = {tensor.name for tensor in model.graph.initializer}
    with tempfile.TemporaryDirectory() as scratch:
        source, path = Path(scratch) / "float32.onnx", Path(scratch) / "int8.onnx"
        tagged = onnx.ModelProto()
        tagged.CopyFrom(model)
        tagged.metadata_props.add(key=PREPROCESSED[0], value=PREPROCESSED[1])
        onnx.save(tagged, source)  # for a model in memory it opens a socket, to name a file after this machine
        quantize_static(
            source,
            path,
            _CalibrationInputs(model.graph.input[0].name, tiles),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[
                node.name for node in model.graph.node if node.op_type == "Conv" and node.input[1] not in weights
            ],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": ["Conv"],
            },
        )
        _check(onnxruntime, written, path, tiles[0])
        quantised = onnx.load(path)
    tags = {tag.key: tag.value for tag in quantised.metadata_props if tag.key != PREPROCESSED[0]}
    onnx.helper.set_model_props(quantised, tags)
    return quantised


class _CalibrationInputs:
    """Gives ONNX Runtime the inputs one by one."""

    def __init__(self, name: str, tiles: list[Audio]) -> None:
        self._inputs = iter([{name: tile} for tile in tiles])

    def get_next(self) -> dict[str, Audio] | None:
        return next(self._inputs, None)


class _InputRecorder:
    """A runtime that records its inputs."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self.description, self.heard = runtime, runtime.description, list[Audio]()

    def run(self, array: Audio) -> Audio:
        self.heard.append(array.copy())
        return self._runtime.run(array)


def _tiles(model: Path, songs: Sequence[StemSong]) -> list[Audio]:
    """Return the network's inputs for the middle of each song."""
    network = Network(model, device="cpu", precision="fp32", tile_seconds=MEASURED_SECONDS)
    recorder = network.runtime = _InputRecorder(network.runtime)
    rate, sources = network.facts.sample_rate, range(len(network.facts.sources))
    for song in songs:
        stems = [read(path, sample_rate=rate, channels=network.facts.channels)[0] for path in song.stems.values()]
        length = min(stem.shape[1] for stem in stems)
        start = max(0, length - MEASURED_SECONDS * rate) // 2
        mixture = np.sum([stem[:, start:length][:, : MEASURED_SECONDS * rate] for stem in stems], axis=0)
        deque(network.estimates([mixture], sources), maxlen=0)
    return recorder.heard


def _check(onnxruntime: Any, written: Path, quantised: Path, tile: Audio) -> None:
    """Compare the outputs for one tile."""
    answers = []
    for path in (written, quantised):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        answers.append(session.run(None, {session.get_inputs()[0].name: tile})[0])
    error = float(np.std(answers[1] - answers[0]) / np.std(answers[0]))
    if not error <= MAX_ERROR:
        raise TrainingError(f"In eight bits the output would be wrong by {error:.0%}: leave --int8 out.")
