"""`python -m unbraid_web COMMAND`: the site's management commands, such as work, housekeep and prepare."""

import os
import sys


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unbraid_web.settings")
    if "runserver" in sys.argv[1:2]:
        os.environ.setdefault("UNBRAID_DEBUG", "1")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("The website needs Django: pip install 'unbraid[web]'.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"unbraid: {error}")


if __name__ == "__main__":
    main()
