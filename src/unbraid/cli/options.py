"""Options that several commands share, and the kinds of values that options take."""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unbraid.separator import Separator


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the model and what it runs on; `separator` reads them."""
    parser.add_argument(
        "--model",
        type=name,
        metavar="NAME|FILE.onnx",
        help="model to use: a name that `unbraid info` lists, or a file",
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="what to run on (default: auto)"
    )
    parser.add_argument("--strict", action="store_true", help="compute in fp32 even where bf16 would be faster")


def separator(args: argparse.Namespace) -> "Separator":
    """Return the separator that the options of `add_model` ask for."""
    from unbraid.separator import Separator

    return Separator(args.model, device=args.device, precision=precision(args))


def precision(args: argparse.Namespace) -> str:
    """Return the precision that `--strict` asks for."""
    return "fp32" if args.strict else "auto"


def add_json(parser: argparse.ArgumentParser, what: str = "the result as one JSON object") -> None:
    """Add the option to print JSON."""
    parser.add_argument("--json", action="store_true", help=f"print {what}")


def add_seed(parser: argparse.ArgumentParser, default: int) -> None:
    """Add the option for the seed."""
    parser.add_argument("--seed", type=whole, default=default, help=f"seed for everything random (default: {default})")


def add_material(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of raw material."""
    parser.add_argument(
        "--material", type=path, metavar="DIR", help="folder of raw material (default: $UNBRAID_CORPUS)"
    )


def positive(text: str) -> float:
    """A finite number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {text!r}")
    return number


def seconds(text: str) -> float:
    """A time: seconds (90 or 12.5), minutes and seconds (1:30), or hours too (1:02:03)."""
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected seconds, or minutes and seconds such as 1:30, not {text!r}")
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + rest


def _number(text: str) -> float:
    """A number, or NaN where there is none: each kind of value says what it expected."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, not {text!r}") from None


def count(text: str) -> int:
    """A whole number, 1 or more."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, not {text}")
    return number


def port(text: str) -> int:
    """A TCP port."""
    number = whole(text)
    if not 0 < number < 65_536:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, not {text}")
    return number


def name(text: str) -> str:
    """The name of a file, a folder or a model: not empty, for an empty path means the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a name, but it is empty")
    return text


def path(text: str) -> Path:
    """The path of a file or a folder."""
    return Path(name(text))


def weights(text: str) -> Path:
    """A checkpoint or a model: a file, or the name of a model that comes with unbraid."""
    from unbraid.inference.shipped_models import shipped_models

    return shipped_models().get(text) or path(text)


def output_file(ending: str) -> Callable[[str], Path]:
    """A path that a file can have, with this ending: so that a slip does not replace a song."""

    def parse(text: str) -> Path:
        path = Path(text)
        if not path.name or path.name == ".." or path.is_dir():
            raise argparse.ArgumentTypeError(f"expected a file name, but {text!r} is a folder")
        if path.suffix.lower() != ending:
            raise argparse.ArgumentTypeError(f"expected a file name that ends in {ending}, not {text!r}")
        return path

    return parse
