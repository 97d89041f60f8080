"""`manage.py housekeep`: what is due now, once or again and again."""

import logging
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections

from unbraid_web.separations import housekeeping
from unbraid_web.separations.jobs import parent

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Takes back silent jobs, drops what expired, sweeps what was orphaned."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Once, or every so many seconds."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, with this pause")
        parser.add_argument("--exit-with-parent", action="store_true", help="exit when standard input ends")

    def handle(self, *args: Any, every: float | None, exit_with_parent: bool, **options: Any) -> None:
        """Keep house."""
        if exit_with_parent:
            parent.exit_with_parent()
        housekeeping.ensure_demo()
        done = housekeeping.run_due()
        self.stdout.write(", ".join(f"{count} {what}" for what, count in done.items()))
        while every:
            time.sleep(every)
            close_old_connections()
            try:
                housekeeping.run_due()
                housekeeping.prune_messages()
            except OperationalError:  # the database is busy or restarting: next time
                logger.exception("housekeeping was put off")
