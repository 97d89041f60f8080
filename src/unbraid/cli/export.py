"""`unbraid export`: turns a training checkpoint into a model file."""

import argparse
import json
import sys
from typing import Any

from unbraid.cli import options
from unbraid.cli.extras import extra
from unbraid.errors import UsageError


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    description = "Turn a checkpoint into a model file."
    parser = commands.add_parser("export", help="turn a checkpoint into a model file", description=description)
    parser.add_argument(
        "checkpoint", type=options.weights, metavar="CHECKPOINT", help="checkpoint of a training, or a model"
    )
    parser.add_argument(
        "-o", "--out", type=options.output_file(".onnx"), required=True, metavar="FILE.onnx", help="model file to write"
    )
    parser.add_argument(
        "--average",
        type=options.weights,
        metavar="FILE",
        help="average with the weights of this checkpoint or model",
    )
    parser.add_argument(
        "--times", type=options.positive, metavar="N", help="weight of FILE in that average (default: 1)"
    )
    parser.add_argument(
        "--int8",
        type=options.path,
        metavar="SONGS",
        help="compute convolutions in eight bits, scaled on the songs in this folder (stems, or a pattern)",
    )
    parser.set_defaults(run=run)


@extra("train")
def run(args: argparse.Namespace) -> None:
    """Write the model, its facts to standard error and its path to standard output."""
    from unbraid.training.export import export

    if args.times is not None and args.average is None:
        raise UsageError("--times is the weight of a second file: name that file with --average.")
    if args.out in (args.checkpoint, args.average):
        raise UsageError(f"{args.out} would be replaced by a model made from it: give another name with --out.")
    facts = export(args.checkpoint, args.out, args.average, args.times or 1.0, args.int8)
    print(json.dumps(facts, indent=1, ensure_ascii=False), file=sys.stderr)
    print(args.out)
