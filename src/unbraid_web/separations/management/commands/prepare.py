"""`manage.py prepare`: database and static files brought up to date, before the first start and after an update."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Migrates and collects static files."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Do both, without questions."""
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
