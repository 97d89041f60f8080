"""`manage.py work`: a worker for the background tasks, of whichever kind the settings name."""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from unbraid_web.separations.jobs import parent


class Command(BaseCommand):
    """Runs jobs until it is asked to stop (SIGTERM); unfinished work goes back in line."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For `unbraid web`, which keeps the other end of standard input."""
        parser.add_argument("--exit-with-parent", action="store_true", help="exit when standard input ends")

    def handle(self, *args: Any, exit_with_parent: bool, **options: Any) -> None:
        """Hand over to the worker of the database queue or of the broker."""
        if exit_with_parent:
            parent.exit_with_parent()
        if hasattr(os, "nice"):
            os.nice(5)  # pages come first where one machine does both
        if settings.USES_BROKER:
            # SimpleWorker runs jobs in this very process, so the model is loaded once.
            call_command("rqworker", "default", worker_class="rq.SimpleWorker", job_class="django_tasks_rq.Job")
        else:
            call_command("db_worker", interval=0.5, startup_delay=False, reload=False)
