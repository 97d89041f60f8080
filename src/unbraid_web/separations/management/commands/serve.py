"""`manage.py serve`: the web server alone, for a site whose worker and housekeeper run separately."""

import logging
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from unbraid_web.web_server import make_server

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Serves pages until it is asked to stop."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        """Serve."""
        collect_static_files()
        from unbraid_web.wsgi import application  # it looks for static files when it is imported

        try:
            server = make_server(application, host, port)
        except OSError as error:
            raise CommandError(f"Cannot listen at {host}:{port}: {error.strerror}.") from error
        self.stdout.write(f"serving at http://{host}:{port}")
        self.stdout.flush()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl+C: what is being answered is finished
        server.run()


def collect_static_files() -> None:
    """Collect the static files on this host, as `prepare` does on its own: pages then name them by their hashes."""
    try:
        call_command("collectstatic", verbosity=0, interactive=False)
    except OSError as error:
        logger.warning("static files keep plain names and are not cached for long: %s", error)
