"""`manage.py runserver`: Django's development server, together with a worker."""

import os
from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as Runserver
from django.core.management import call_command

from unbraid_web import serve


class Command(Runserver):
    """Migrates, starts the worker and serves; reloads when code changes."""

    def run(self, **options: Any) -> None:
        """Start the worker in the outer process only, not in each reload."""
        if os.environ.get("RUN_MAIN") == "true":
            super().run(**options)
            return
        call_command("migrate", verbosity=0, interactive=False)
        with serve.background():
            super().run(**options)
