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
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets your phone connect too (default: 127.0.0.1)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.set_defaults(run=run)


@extra("web")
def run(args: argparse.Namespace) -> None:
    """Serve until Ctrl+C."""
    require("web", "django", "waitress")
    from unbraid_web.serve import main

    main(port=args.port, host=args.host, open_browser=not args.no_browser)
