"""`manage.py work`: a worker for the background tasks, through Redis or the database as the settings say."""

import logging
import os
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections

from unbraid_web.separations.jobs import parent
from unbraid_web.separations.models import Worker

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 5.0


class Command(BaseCommand):
    """Runs jobs until it is asked to stop (SIGTERM); an unfinished job goes back to the queue."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For `unbraid web`, which keeps the other end of standard input."""
        parser.add_argument("--exit-with-parent", action="store_true", help="exit when standard input ends")

    def handle(self, *args: Any, exit_with_parent: bool, **options: Any) -> None:
        """Hand over to the worker of the database queue or of the broker; begin again when either was away."""
        if exit_with_parent:
            parent.exit_with_parent()
        if hasattr(os, "nice"):
            os.nice(5)  # pages come first where one machine does both
        run = run_broker_worker if settings.USES_BROKER else run_database_worker
        away: tuple[type[Exception], ...] = (OperationalError, InterfaceError)
        if settings.USES_BROKER:
            away += broker_errors()
        with Worker.present(Worker.Role.WORKER, away):
            keep_running(run, away)


def keep_running(run: Callable[[], None], away: tuple[type[Exception], ...]) -> None:
    """Run the worker until it is asked to stop, even through an outage of its queue."""
    while True:
        try:
            return run()
        except away as error:
            logger.warning("the queue is away (%s): trying again in %d s", error, PAUSE_SECONDS)
            close_old_connections()
            time.sleep(PAUSE_SECONDS)


def run_broker_worker() -> None:
    """Work on messages from Redis, in this very process, so that the model is loaded once."""
    call_command("rqworker", "default", worker_class="rq.SimpleWorker", job_class="django_tasks_rq.Job")


def run_database_worker() -> None:
    """Work on messages from the database."""
    call_command("db_worker", interval=0.5, startup_delay=False, reload=False)


def broker_errors() -> tuple[type[Exception], ...]:
    """Return the errors that are raised while Redis cannot be reached."""
    from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004

    return (ConnectionError, TimeoutError)
