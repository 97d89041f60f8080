"""A checkpoint on disk, read back with sentences instead of PyTorch's many kinds of error."""

from pathlib import Path
from typing import Any

import torch

from unbraid.errors import TrainingError


def read(path: Path, device: str = "cpu") -> dict[str, Any]:
    """Return what `loop.save` wrote to `path`, tensors on `device`.

    Raises TrainingError if the file is missing or is no checkpoint.
    """
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        saved["preset"], saved["average"]
    except FileNotFoundError:
        raise TrainingError(f"The checkpoint {path} does not exist.") from None
    except Exception as error:  # torch raises all kinds for files that are not its own
        raise TrainingError(f"{path} is not a checkpoint that can be read ({type(error).__name__}).") from error
    return saved


def restore(network: torch.nn.Module, weights: dict[str, Any], path: Path) -> None:
    """Put `weights`, read from `path`, into `network`; raises TrainingError if they are those of another network."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(f"{path} holds the weights of another network than this version's: train anew.") from error
