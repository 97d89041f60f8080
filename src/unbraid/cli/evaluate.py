"""`unbraid evaluate`: scores a model on songs whose stems are known."""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unbraid.atomic_files import replacing
from unbraid.cli import options
from unbraid.cli.extras import extra, require
from unbraid.errors import OutputError, UsageError

if TYPE_CHECKING:
    from unbraid.evaluation.robustness import ConditionReport
    from unbraid.evaluation.scores import Report


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    description = "Score a model on songs whose stems are known."
    parser = commands.add_parser("evaluate", help="score a model on songs with known stems", description=description)
    parser.add_argument("dataset", metavar="DATASET", help="folder of song folders, each with one file per stem")
    options.add_model(parser)
    parser.add_argument(
        "--json", type=options.output_file(".json"), metavar="FILE", help="write the report to this file"
    )
    parser.add_argument(
        "--plot",
        type=options.output_file(".png"),
        metavar="FILE.png",
        help="draw the report, with spectrograms of one song",
    )
    parser.add_argument(
        "--bsseval", action="store_true", help="also measure ISR, SIR and SAR with museval (takes as long as the songs)"
    )
    parser.add_argument(
        "--conditions",
        action="store_true",
        help="score the songs as people have them instead: in mono, by telephone, as MP3 … (takes 20 times as long)",
    )
    parser.set_defaults(run=run)


@extra("evaluate")
def run(args: argparse.Namespace) -> None:
    """Print the scores of the model as a table, and write the requested reports."""
    if args.plot:
        require("evaluate", "matplotlib")
    if args.bsseval and args.conditions:
        raise UsageError("Choose either BSSEval or conditions, not both.")
    from unbraid.evaluation.heat_map import draw_heat_map
    from unbraid.evaluation.picture import draw
    from unbraid.evaluation.report import evaluate
    from unbraid.evaluation.robustness import evaluate_conditions

    dataset, separator = Path(args.dataset), options.separator(args)
    report: Report | ConditionReport
    if args.conditions:
        report = conditions = evaluate_conditions(dataset, separator, on_song=_say)
        draw_report = partial(draw_heat_map, conditions)
    else:
        report = scores = evaluate(dataset, separator, bsseval=args.bsseval, on_song=_say)
        draw_report = partial(draw, scores)
    print(report.table())
    if args.json:
        _replace(args.json, lambda part: part.write_text(json.dumps(report.to_json(), indent=1) + "\n"))
    if args.plot:
        _replace(args.plot, draw_report)


def _say(song: str) -> None:
    print(f"{song} …", file=sys.stderr, flush=True)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside `path` and rename, so that a report is either complete or absent."""
    try:
        with replacing(path) as part:
            write(part)
    except OSError as error:
        raise OutputError(
            f"The report cannot be written to {path}: {(error.strerror or str(error)).lower()}."
        ) from error
