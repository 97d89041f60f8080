"""`manage.py prepare`: database, static files and demo song, before the first start and after an update."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from unbraid_web.separations import housekeeping


class Command(BaseCommand):
    """Migrates, collects static files and puts the demo song in line, so that the first page has it."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Do all three, without questions."""
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        housekeeping.ensure_demo()
