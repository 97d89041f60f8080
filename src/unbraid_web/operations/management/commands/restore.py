"""`manage.py restore FOLDER`: fills an empty site from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from unbraid_web.operations.backup import CannotRestore, restore


class Command(BaseCommand):
    """Restores a backup; refuses if the site already has accounts or songs."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """From where."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Restore."""
        try:
            rows, files = restore(folder)
        except CannotRestore as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{rows} rows and {files} files restored; songs that were being separated start again")
