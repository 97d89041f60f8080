"""Reads and writes weights on disk; errors are sentences instead of PyTorch's many exceptions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn

from unbraid.atomic_files import replacing
from unbraid.errors import TrainingError
from unbraid.training.networks.residual_blocks import ResidualBlock


def read_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Return what `loop.save_state` wrote to `path`, tensors on `device`.

    Raises TrainingError if the file is missing or is not a checkpoint.
    """
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        saved["preset"], saved["average"]
    except FileNotFoundError:
        raise TrainingError(f"The checkpoint {path} does not exist.") from None
    except Exception as error:  # torch raises all kinds for files that are not its own
        raise TrainingError(f"{path} is not a checkpoint of `unbraid train`, or it is damaged.") from error
    return saved


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint for `read_checkpoint`, under a temporary name first, so that it is never incomplete.

    Raises TrainingError if it cannot be written, for example because the disk is full.
    """
    try:
        with replacing(path) as part:
            torch.save(content, part)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        raise TrainingError(
            f"The checkpoint {path} cannot be written: is its disk full? Make room and start again with --resume; "
            "training continues from the previous checkpoint."
        ) from error


def averaged_weights(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Return the averaged weights of a checkpoint, or those of a model that was exported to `.onnx`.

    So training can continue from the shipped model without its checkpoint.
    Raises TrainingError if the file is missing or is neither.
    """
    if path.suffix != ".onnx":
        weights: dict[str, Any] = read_checkpoint(path, device)["average"]
        return weights
    import onnx

    try:
        stored = onnx.load(path).graph.initializer
    except FileNotFoundError:
        raise TrainingError(f"The model {path} does not exist.") from None
    except Exception as error:  # protobuf raises its own kinds for files that are not ONNX
        raise TrainingError(f"{path} is not a model made by `unbraid export`, or it is damaged.") from error
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in stored}
    # the module that is exported holds the network as `network`, large weights lie in half precision
    names = {
        name: name.removesuffix(".half").removeprefix("network.") for name in arrays if name.startswith("network.")
    }
    return {short: torch.tensor(arrays[name], dtype=torch.float32, device=device) for name, short in names.items()}


def load_weights(network: nn.Module, weights: dict[str, Any], path: Path, grow: bool = False) -> None:
    """Load `weights`, read from `path`, into `network`; raises TrainingError if they are from another network.

    With `grow` they may be from a smaller one: the residual blocks that it lacks start as the identity, so the output
    is the same. An exported model holds the network's constants too; they are ignored.
    """
    if grow:
        weights = {**_identities(network), **weights}
    constants = dict(network.named_buffers()).keys() - network.state_dict().keys()
    try:
        network.load_state_dict({name: weight for name, weight in weights.items() if name not in constants})
    except RuntimeError as error:
        raise TrainingError(
            f"{path} holds the weights of another network: of another preset, in eight bits, or of another version."
        ) from error


def _identities(network: nn.Module) -> dict[str, Any]:
    """Return the weights of all residual blocks of `network`, changed so that the blocks add nothing."""
    return {
        f"{place}.{name}": weight
        for place, block in network.named_modules()
        if isinstance(block, ResidualBlock)
        for name, weight in block.as_identity().items()
    }


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Lock `folder`, created if needed, against other training runs until the block or the process ends.

    Raises TrainingError if another run is writing to it: each would overwrite the other's checkpoint.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TrainingError(f"The folder {folder} cannot be made: {reason}. Give another --out.") from error
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise TrainingError(
            f"Another training run is writing to {folder}: wait for it, stop it, or give another --out."
        ) from None
    try:
        yield
    finally:
        lock.release()
