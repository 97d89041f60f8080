"""`unbraid train` and `unbraid export`: arguments to runs."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from unbraid.errors import UsageError
from unbraid.training.bundles import opened
from unbraid.training.data import Folder
from unbraid.training.export import export
from unbraid.training.loop import Run, train
from unbraid.training.presets import preset


def train_command(args: argparse.Namespace) -> None:
    """Run `unbraid train`."""
    if not args.data:
        raise UsageError("A training needs songs as stems: give --data DIR, as often as you have folders of them.")
    if args.minutes is None and args.steps is None:
        raise UsageError("A training needs a budget: give --minutes or --steps.")
    chosen = preset(args.preset)
    if args.batch is not None:
        if args.batch < 1:
            raise UsageError("A batch holds at least one excerpt.")
        chosen = replace(chosen, batch=args.batch)
    if args.learning_rate is not None:
        if not 0 < args.learning_rate < 1:
            raise UsageError("A learning rate lies between 0 and 1.")
        chosen = replace(chosen, learning_rate=args.learning_rate)
    folder = Path(args.out or f"runs/{args.preset}")
    data, held_out = opened([Folder.parse(text) for text in args.data], folder.parent / "bundles")
    run = Run(
        preset=chosen,
        data=data,
        valid=[Folder.parse(text) for text in args.valid] or held_out,
        folder=folder,
        minutes=args.minutes,
        steps=args.steps,
        seed=args.seed,
    )
    train(run, resume=args.resume, start_from=Path(args.start_from) if args.start_from else None)
    if os.environ.get("RANK", "0") == "0":  # of those that torchrun started only one speaks
        print(
            f"The weights are in {run.checkpoint}; make a model of them: unbraid export {run.checkpoint} -o FILE.onnx"
        )


def export_command(args: argparse.Namespace) -> None:
    """Run `unbraid export`."""
    facts = export(Path(args.checkpoint), Path(args.out), args.average and Path(args.average), args.times)
    print(json.dumps(facts, indent=1, ensure_ascii=False), file=sys.stderr)
    print(args.out)
