"""`manage.py backup FOLDER`: writes all of the site's data to a folder, even while it runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from unbraid_web.operations.backup import back_up


class Command(BaseCommand):
    """Backs up the site; a second backup to the same folder copies only what is new."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Back up."""
        rows, new = back_up(folder)
        self.stdout.write(f"{folder}: {rows} rows, {new} new files")
