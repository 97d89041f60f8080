"""`manage.py housekeep`: does the chores that are due, once or repeatedly."""

import contextlib
import logging
import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, close_old_connections

from unbraid_web.separations import housekeeping
from unbraid_web.separations.jobs import parent
from unbraid_web.separations.models import Worker

logger = logging.getLogger(__name__)
SWEEP_SECONDS = 3600.0


class Command(BaseCommand):
    """Requeues lost jobs, and deletes expired and orphaned files."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the interval."""
        parser.add_argument("--every", type=float, metavar="SECONDS", help="keep running, with this pause")
        parser.add_argument("--exit-with-parent", action="store_true", help="exit when standard input ends")

    def handle(self, *args: Any, every: float | None, exit_with_parent: bool, **options: Any) -> None:
        """Keep house."""
        if exit_with_parent:
            parent.exit_with_parent()
        if not every:
            housekeeping.ensure_demo()
            done = housekeeping.run_due()
            self.stdout.write(", ".join(f"{count} {what}" for what, count in done.items()))
            return
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl+C
        away = (DatabaseError, InterfaceError)
        with contextlib.suppress(KeyboardInterrupt), Worker.present(Worker.Role.HOUSEKEEPER, away):
            self.keep_house(every)

    def keep_house(self, every: float) -> None:
        """Keep running until asked to stop."""
        swept: float | None = None
        while True:
            close_old_connections()
            sweep_is_due = swept is None or time.monotonic() - swept > SWEEP_SECONDS
            try:
                housekeeping.ensure_demo()
                housekeeping.run_due(with_sweep=sweep_is_due)
                housekeeping.prune()
                swept = time.monotonic() if sweep_is_due else swept
            except Exception:  # database, broker or storage is away: each of them raises errors of its own
                logger.exception("housekeeping was put off")
            time.sleep(every)
