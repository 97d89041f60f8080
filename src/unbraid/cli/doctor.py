"""`unbraid doctor`: whether this machine can run the website with the settings at hand."""

import argparse
import subprocess
import sys
from typing import Any

from unbraid.cli.extras import extra, require


def add_parser(commands: Any) -> None:
    """Add the command."""
    description = "Check settings, database, storage, model and the rest of the website; say what to fix."
    parser = commands.add_parser("doctor", help="check what the website needs", description=description)
    parser.set_defaults(run=run)


@extra("web")
def run(args: argparse.Namespace) -> int:
    """Examine, and return 1 if anything fails."""
    require("web", "django", "waitress")
    return subprocess.run([sys.executable, "-m", "unbraid_web", "doctor"]).returncode
