#!/usr/bin/env python
"""Django's own entry: `python manage.py runserver` starts the site for a developer."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the management command named on the command line."""
    sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "unbraid_web.settings")
    if "runserver" in sys.argv[1:2]:
        os.environ.setdefault("UNBRAID_DEBUG", "1")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("The website needs Django: run `pip install -r requirements.txt` in this folder first.")
    from unbraid_web.serve import make_data_folder

    make_data_folder()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
