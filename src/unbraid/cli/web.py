"""`unbraid web`: the website, served on this machine."""

import argparse
from typing import Any

from unbraid.cli import options
from unbraid.cli.extras import extra, require


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    description = "Serve the website on this machine and open it in the browser."
    parser = commands.add_parser("web", help="serve the website on this machine", description=description)
    parser.add_argument("--port", type=options.port, default=8000, help="port to listen on (default: 8000)")
    parser.set_defaults(run=run)


@extra("web")
def run(args: argparse.Namespace) -> None:
    """Serve until Ctrl+C."""
    require("web", "django", "waitress")
    from unbraid_web.serve import main

    main(port=args.port)
