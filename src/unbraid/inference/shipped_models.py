"""The models that come with unbraid, by name."""

import os
from importlib.resources import files
from pathlib import Path

from unbraid.errors import ModelError

DEFAULT = "unbraid"


def shipped_models() -> dict[str, Path]:
    """Return the model files in this copy of unbraid by name, the default first."""
    weights = Path(str(files("unbraid").joinpath("weights")))
    found = sorted(weights.glob("*.onnx"), key=lambda path: (path.stem != DEFAULT, path.stem))
    return {path.stem: path for path in found}


def find_model(model: str | os.PathLike[str] | None) -> Path:
    """Return the file of a model.

    Args:
        model: the name of one that comes with unbraid, or a file; None means the default.

    Raises:
        ModelError: there is no model of that name, or this copy of unbraid has no weights.
    """
    shipped = shipped_models()
    if model is None:
        if not shipped:
            raise ModelError("This copy of unbraid comes without weights: name a model file, or reinstall unbraid.")
        return next(iter(shipped.values()))
    if isinstance(model, str):
        if model in shipped:
            return shipped[model]
        # not Path.exists, which raises an error for a name that is too long
        if not {".", "/", os.sep} & set(model) and not os.path.exists(model):  # noqa: PTH110
            known = ", ".join(shipped) or "none"
            raise ModelError(f"There is no model {model!r}: unbraid comes with {known}; or name an .onnx file.")
    return Path(model)
