#!/usr/bin/env python
"""Django's own entry: `python manage.py runserver` starts the site for a developer."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
    from unbraid_web.__main__ import main

    main()
