"""`unbraid info`: shows the model and what it runs on."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from unbraid.cli import options


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    description = "Show the model's facts and what it runs on."
    parser = commands.add_parser("info", help="show the model and what it runs on", description=description)
    options.add_model(parser)
    options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the model's description and what it runs on."""
    from unbraid import __version__
    from unbraid.inference.shipped_models import shipped_models

    separator, shipped = options.separator(args), shipped_models()
    if args.json:
        facts = {"unbraid": __version__, "model": str(separator.model), "runtime": separator.runtime}
        print(json.dumps(facts | asdict(separator.facts) | {"shipped": list(shipped)}))
        return
    about = separator.facts
    size = separator.model.stat().st_size / 1e6
    print(f"unbraid {__version__}")
    print(f"model     {separator.model} ({size:.1f} MB)")
    print(f"shipped   {', '.join(shipped) or 'none'}")
    print(f"preset    {about.preset}, version {about.version}, licence {about.licence}")
    print(f"stems     {', '.join(about.sources)}" + (" (they sum to the song)" if about.sums_to_the_song else ""))
    print(f"sound     {about.sample_rate} Hz, {('mono', 'stereo')[about.channels - 1]}; each song keeps its own")
    print(f"context   {about.context / about.sample_rate:.2f} s on each side")
    print(f"runs on   {separator.runtime}")
