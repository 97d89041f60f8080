"""One training in a folder at a time: two would write into each other's checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from unbraid.errors import TrainingError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, made if need be, until the block or the process ends, however it ends.

    Raises TrainingError if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise TrainingError(
            f"Another training is writing into {folder}: wait for it, stop it, or give another --out."
        ) from None
    try:
        yield
    finally:
        lock.release()
