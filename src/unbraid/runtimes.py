"""The programs that run an `.onnx` file: OpenVINO on processors, ONNX Runtime elsewhere and on graphics cards."""

import sys
import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import ModelError

Array = NDArray[np.float32]

PRECISIONS = ("auto", "fp32", "bf16")


class Runtime(Protocol):
    """A loaded network body: one array in, one array out, from any thread."""

    description: str

    def run(self, array: Array) -> Array:
        """Return the body's answer; it is valid until the same thread's next call."""


class OpenVINORuntime:
    """OpenVINO on the processor; compiled once for one shape."""

    def __init__(self, path: Path, shape: tuple[int, ...], precision: str, threads: int) -> None:
        core = _openvino().Core()
        try:
            model = core.read_model(str(path))
            model.reshape(list(shape))
            narrow = precision == "bf16" or (
                precision == "auto" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            )
            self._compiled: Any = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "bf16" if narrow else "f32",
                    "INFERENCE_NUM_THREADS": threads,
                    "NUM_STREAMS": 1,
                },
            )
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot use the model {path}: {_first_line(error)}") from error
        self._requests = threading.local()
        self.description = f"OpenVINO on the CPU ({'bf16' if narrow else 'fp32'}, {threads} threads)"

    def run(self, array: Array) -> Array:
        """Return the body's answer; it is valid until the same thread's next call."""
        request = getattr(self._requests, "request", None)
        if request is None:
            request = self._requests.request = self._compiled.create_infer_request()
        answer: Array = request.infer([array], share_inputs=True, share_outputs=True)[0]
        return answer


class ONNXRuntime:
    """ONNX Runtime, on the processor or on a graphics card."""

    def __init__(self, path: Path, providers: list[str], threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # what goes wrong is raised, and said by us
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # its exceptions share no base of their own
            raise ModelError(f"ONNX Runtime cannot use the model {path}: {_first_line(error)}") from error
        self._input = self._session.get_inputs()[0].name
        self.provider = self._session.get_providers()[0]
        self.description = f"ONNX Runtime ({self.provider.removesuffix('ExecutionProvider')}, fp32)"

    def run(self, array: Array) -> Array:
        """Return the body's answer."""
        answer: Array = self._session.run(None, {self._input: array})[0]
        return answer


def load_runtime(path: Path, shape: tuple[int, ...], *, device: str, precision: str, threads: int) -> Runtime:
    """Return the body at `path` ready to take arrays of `shape`, on the best runtime that is here for `device`."""
    return OpenVINORuntime(path, shape, precision, threads)


def _openvino() -> Any:
    """Import OpenVINO without its model converter, which is slow to load and brings a telemetry package along."""
    converter = "openvino.tools.ovc"
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    sys.modules[converter] = None  # type: ignore[assignment]  # importing it now fails, which OpenVINO allows for
    try:
        import openvino
    finally:
        del sys.modules[converter]
    return openvino


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
