"""`manage.py prepare`: database, static files and demo song, before the first start and after an update."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from unbraid_web.separations import housekeeping

LOCK = 0x756E6272616964  # any number, the same on every host


class Command(BaseCommand):
    """Migrates the database, collects static files and queues the demo song for the first page."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all three, without questions."""
        with one_at_a_time():
            call_command("migrate", verbosity=0, interactive=False)
            call_command("collectstatic", verbosity=0, interactive=False)
            housekeeping.ensure_demo()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other host prepares the same PostgreSQL: two would trip over each other's tables."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])  # after an error it ends with the connection
