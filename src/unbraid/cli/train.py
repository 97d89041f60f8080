"""`unbraid train`: trains a preset on songs as stems, within a budget, and writes a checkpoint."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from unbraid.cli import options
from unbraid.cli.extras import extra
from unbraid.errors import UsageError


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("train", help="train a model", description="Train a model.")
    parser.add_argument("preset", metavar="PRESET", help="what to train, for example unbraid or m5")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in the output folder")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="DIR[=WEIGHT]",
        help="folder of song folders with one file per stem, or a .tar made by `unbraid corpus pack`; drawn WEIGHT "
        "times as often as with weight 1; can be repeated",
    )
    parser.add_argument(
        "--valid", action="append", default=[], metavar="DIR", help="folder of held-out songs; can be repeated"
    )
    parser.add_argument(
        "--out",
        type=options.path,
        metavar="DIR",
        help="folder for the checkpoint, the log and the curves (default: runs/PRESET)",
    )
    parser.add_argument("--minutes", type=options.positive, metavar="M", help="stop after this much training in all")
    parser.add_argument("--steps", type=options.count, metavar="N", help="stop after this many steps")
    parser.add_argument(
        "--from",
        dest="start_from",
        type=options.weights,
        metavar="FILE",
        help="start from the weights of this checkpoint or model",
    )
    parser.add_argument("--loss", metavar="NAME", help="what a step minimises, for example mse (default: the preset's)")
    parser.add_argument(
        "--batch", type=options.whole, metavar="N", help="excerpts per step, over all processes (default: the preset's)"
    )
    parser.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="highest learning rate (default: the preset's)"
    )
    parser.add_argument(
        "--warm-up",
        type=options.whole,
        metavar="STEPS",
        help="steps over which the learning rate rises at the start (default: the preset's)",
    )
    parser.add_argument(
        "--checkpoint-minutes",
        type=options.positive,
        default=2.0,
        metavar="M",
        help="write a checkpoint this often; a stop loses at most this much training (default: 2)",
    )
    options.add_seed(parser, default=0)
    parser.set_defaults(run=run)


@extra("train")
def run(args: argparse.Namespace) -> None:
    """Train, and say where the weights are."""
    from unbraid.training.data.bundles import expand_bundles
    from unbraid.training.data.mixes import WeightedFolder
    from unbraid.training.loop import TrainingConfig, train
    from unbraid.training.presets import find_preset

    preset = find_preset(args.preset)
    if not args.data:
        raise UsageError("Training needs songs as stems: give --data DIR, once for each folder of them.")
    if args.minutes is None and args.steps is None:
        raise UsageError("Training needs a budget: give --minutes or --steps.")
    given = {name: getattr(args, name) for name in ("loss", "batch", "learning_rate", "warm_up")}
    preset = replace(preset, **{name: value for name, value in given.items() if value is not None})
    folder = args.out or Path("runs", args.preset)
    data, held_out = expand_bundles([WeightedFolder.parse(text) for text in args.data], folder.parent / "bundles")
    config = TrainingConfig(
        preset=preset,
        data=data,
        valid=[WeightedFolder.parse(text) for text in args.valid] or held_out,
        folder=folder,
        minutes=args.minutes,
        steps=args.steps,
        seed=args.seed,
        checkpoint_minutes=args.checkpoint_minutes,
    )
    train(config, resume=args.resume, start_from=args.start_from)
    if os.environ.get("RANK", "0") == "0":  # of the processes that torchrun started, one speaks
        checkpoint = config.checkpoint
        print(f"The weights are in {checkpoint}. Turn them into a model: unbraid export {checkpoint} -o FILE.onnx")
