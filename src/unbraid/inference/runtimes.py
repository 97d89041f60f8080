"""The programs that run an `.onnx` file: OpenVINO on processors, ONNX Runtime elsewhere and on graphics cards."""

import os
import sys
import threading
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.errors import ModelError, UsageError
from unbraid.inference.forks import PerProcess, native_call
from unbraid.inference.signal_stack import signal_stack_kept

Array = NDArray[np.float32]

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "fp32", "bf16")

# ONNX Runtime's providers for graphics cards, best first, with their common names.
GRAPHICS = {"CUDAExecutionProvider": "CUDA", "DmlExecutionProvider": "DirectML", "CoreMLExecutionProvider": "CoreML"}


class OutOfDeviceMemoryError(Exception):
    """The device has too little memory for an array of this size; a smaller one may fit."""


class Runtime(Protocol):
    """A loaded network body: one array in, one array out, from any thread."""

    description: str
    """The runtime, the device, and why it was chosen if the choice was automatic."""

    def run(self, array: Array) -> Array:
        """Return the body's output, valid until the same thread's next call; may raise OutOfDeviceMemoryError."""


class OpenVINORuntime:
    """OpenVINO on the processor; compiled once for one shape."""

    def __init__(self, path: Path, shape: tuple[int, ...], precision: str, threads: int) -> None:
        with signal_stack_kept(), native_call():
            narrow = self._compile(path, shape, precision, threads)
        self._requests = threading.local()
        self.description = f"OpenVINO on the CPU ({'bf16' if narrow else 'fp32'}, {_counted(threads)})"

    def _compile(self, path: Path, shape: tuple[int, ...], precision: str, threads: int) -> bool:
        """Load and compile the model; returns whether it computes in bf16."""
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
            raise ModelError(f"OpenVINO cannot use the model {path}: {_last_line(error)}") from error
        return narrow

    def run(self, array: Array) -> Array:
        """Return the body's output, valid until the same thread's next call."""
        with native_call():
            request = getattr(self._requests, "request", None)
            if request is None:
                request = self._requests.request = self._compiled.create_infer_request()
            answer: Array = request.infer([array], share_inputs=True, share_outputs=True)[0]
        return answer


class ONNXRuntime:
    """ONNX Runtime with one of its providers: the processor or a graphics card."""

    def __init__(self, path: Path, provider: str, threads: int) -> None:
        self._session: PerProcess[Any] = PerProcess(partial(_onnx_session, path, provider, threads))
        self._input = self._session.get().get_inputs()[0].name
        self.description = f"ONNX Runtime on {GRAPHICS.get(provider, f'the CPU (fp32, {_counted(threads)})')}"

    def run(self, array: Array) -> Array:
        """Return the body's output; raises OutOfDeviceMemoryError if the device has too little memory for it."""
        try:
            with native_call():
                answer: Array = self._session.get().run(None, {self._input: array})[0]
        except Exception as error:
            if any(words in str(error).lower() for words in ("out of memory", "failed to allocate")):
                raise OutOfDeviceMemoryError(_last_line(error)) from error
            raise
        return answer


def load_runtime(path: Path, shape: tuple[int, ...], *, device: str, precision: str, threads: int) -> Runtime:
    """Return the body at `path` ready to take arrays of `shape`, on the best runtime for `device`.

    Raises UsageError for an unknown device or precision, ModelError if no runtime can run the model there.
    """
    if device not in DEVICES or precision not in PRECISIONS:
        raise UsageError(f"Choose a device of {', '.join(DEVICES)} and a precision of {', '.join(PRECISIONS)}.")
    why = ""
    if device != "cpu":
        found = _graphics()
        if device == "cuda" and "CUDAExecutionProvider" not in found:
            raise ModelError("CUDA is not available: install unbraid[gpu] on a machine with an NVIDIA card.")
        try:
            if found:
                return ONNXRuntime(path, "CUDAExecutionProvider" if device == "cuda" else found[0], threads)
            why = "; no runtime for graphics cards is installed"
        except ModelError as error:
            if device == "cuda":
                raise
            why = f"; {error}".removesuffix(".")
    runtime = load_cpu_runtime(path, shape, precision=precision, threads=threads)
    runtime.description += why
    return runtime


def load_cpu_runtime(path: Path, shape: tuple[int, ...], *, precision: str, threads: int) -> Runtime:
    """Return the body at `path` on the processor: OpenVINO, the faster by far, or else ONNX Runtime."""
    if find_spec("openvino") is not None:
        return OpenVINORuntime(path, shape, precision, threads)
    if find_spec("onnxruntime") is not None:
        return ONNXRuntime(path, "CPUExecutionProvider", threads)
    raise ModelError("No runtime for the model is installed: pip install openvino, or onnxruntime.")


def onnxruntime_module() -> Any:
    """Import ONNX Runtime with telemetry off; otherwise it writes to the home folder and contacts its maker's host."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def _onnx_session(path: Path, provider: str, threads: int) -> Any:
    onnxruntime = onnxruntime_module()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised, and reported by us
    wanted = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
    try:
        with native_call():
            session = onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:  # its exceptions share no base of their own
        raise ModelError(f"ONNX Runtime cannot use the model {path}: {_last_line(error)}") from error
    if session.get_providers()[0] != provider:  # it would silently run on the processor
        raise ModelError(f"{GRAPHICS[provider]} is installed but does not start: check its driver and libraries.")
    return session


def _graphics() -> list[str]:
    """Return the names of ONNX Runtime's providers for graphics cards that are installed, best first.

    The package's files show whether it can have any, so a CPU-only package need not be loaded to find out.
    """
    found = find_spec("onnxruntime")
    if found is None:
        return []
    libraries = Path((found.submodule_search_locations or ["."])[0]) / "capi"
    files = [*libraries.glob("*onnxruntime_providers_cuda*"), *libraries.glob("DirectML.dll")]
    if not files and sys.platform != "darwin":  # where CoreML is part of it
        return []
    available = onnxruntime_module().get_available_providers()
    return [provider for provider in GRAPHICS if provider in available]


def _openvino() -> Any:
    """Import OpenVINO without its model converter, which is slow to load and pulls in a telemetry package."""
    converter = "openvino.tools.ovc"
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    sys.modules[converter] = None  # type: ignore[assignment]  # importing it now fails, which OpenVINO allows for
    try:
        import openvino
    finally:
        del sys.modules[converter]
    return openvino


def _counted(threads: int) -> str:
    return f"{threads} thread" if threads == 1 else f"{threads} threads"


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
