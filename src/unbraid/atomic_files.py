"""Files that are whole or not there: written beside their place, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of `path` when the block is left, or goes away on an error.

    Args:
        path: the file that is wanted; its folder must exist.
        shared: whether another process may be writing the same file. If not, what a killed run has left is used again.
    """
    owner = f".{os.getpid()}" if shared else ""
    part = path.with_name(f".{path.name}{owner}.part")
    try:
        yield part
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
