"""Where the site keeps its data; known before any setting is read."""

import contextlib
import os
import secrets
import sys
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


def kept_secret_key() -> str:
    """Return the key that signs cookies, made and kept in the data folder the first time; only this user may read it.

    All processes of the site must agree on it, or they refuse each other's sessions.
    """
    file = data_folder() / "secret_key"
    if not file.exists():
        try:
            file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)  # songs are nobody else's business
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            sys.exit(f"unbraid: The data folder {file.parent} cannot be made: {reason}. Set UNBRAID_DATA to another.")
        new = file.with_name(f".secret_key.{secrets.token_hex(4)}")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as written:
            written.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another process was quicker: its key counts
            os.link(new, file)
        new.unlink()
    return file.read_text().strip()
