"""Where the site keeps what it keeps; known before any setting is read."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parents[1]


def data_folder() -> Path:
    """Return the folder of database, songs and stems: `UNBRAID_DATA`, or one that suits how unbraid was installed."""
    if given := os.environ.get("UNBRAID_DATA"):
        return Path(given).resolve()
    if (CHECKOUT / "manage.py").exists():
        return CHECKOUT / "var"
    return Path.home() / ".local" / "share" / "unbraid"


def key_file() -> Path:
    """Return the file with the key that signs cookies."""
    return data_folder() / "secret_key"
