"""Files and folders that are either complete or absent: written under another name, then renamed."""

import glob
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_NAME = 255  # bytes


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Yield a path to write to; it replaces `path` when the block is left and is removed on an error.

    Args:
        path: the final file; its folder must exist.
        shared: whether another process or thread may be writing the same file; see `PartFile`. If not, the remains of
            a killed run are overwritten.
    """
    if shared:
        file = PartFile(path)
        try:
            yield file.part
            file.commit()
        finally:
            file.discard()
        return
    part = path.with_name(f".{_shortened(path.name)}.part")
    try:
        yield part
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield the path of a folder to create; it is renamed to `path` when the block is left and removed on an error.

    Raises OSError if `path` exists by then and is not an empty folder.
    """
    part = path.with_name(f".{_shortened(path.name)}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _shortened(name: str) -> str:
    """Return as much of a file's name as leaves room for the rest of its part's."""
    while len(os.fsencode(name)) > LONGEST_NAME - len("..01234567.part"):
        name = name[:-1]
    return name


class PartFile:
    """A file that is written as `part`, shared with no other process or thread, and then renamed to `path`.

    It stays locked while its process lives, so parts of the same file that killed processes left can be removed.
    """

    def __init__(self, path: Path) -> None:
        name = _shortened(path.name)
        for left in path.parent.glob(f".{glob.escape(name)}.*.part"):
            _remove_abandoned(left)
        self.path, self.part = path, path.with_name(f".{name}.{uuid.uuid4().hex[:8]}.part")
        self._lock: int | None = None
        try:
            self._lock = _create_locked(self.part)
        except BaseException:  # Ctrl+C may come when the file is there already
            self.discard()
            raise

    def commit(self) -> None:
        """Give the file its name."""
        self.part.replace(self.path)

    def discard(self) -> None:
        """Remove the part unless it was committed, and release the lock."""
        with suppress(OSError):
            self.part.unlink()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


if sys.platform == "win32":  # where nobody can remove a file that is open

    def _create_locked(part: Path) -> int:
        """Create a part; return a descriptor to close when it is done with."""
        part.touch()
        return os.open(os.devnull, os.O_RDONLY)

    def _remove_abandoned(part: Path) -> None:
        """Remove a part that no living process writes to."""
        with suppress(OSError):
            part.unlink()

else:
    import fcntl

    def _create_locked(part: Path) -> int:
        """Create a part; return a descriptor whose lock shows that a living process writes to it."""
        while True:
            descriptor = os.open(part, os.O_CREAT | os.O_RDWR, 0o666)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # it was removed before it had its lock

    def _remove_abandoned(part: Path) -> None:
        """Remove a part that no living process writes to."""
        with suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
