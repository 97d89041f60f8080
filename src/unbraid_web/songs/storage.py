"""Adds to the file storage: deleting a folder, joining pieces, free space, local copies."""

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from filelock import FileLock, Timeout

FULL = {errno.ENOSPC, errno.EDQUOT}
LOCK = ".lock"


class MovableFile(File):  # type: ignore[type-arg] # django-stubs: File is generic only for checkers
    """A finished file that local storage may take by renaming; other storages read and send it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Where the storage finds the file to move."""
        return str(self._path)


def work_folder() -> Path:
    """Where unfinished files lie: beside the finished ones, so that moving them is a rename."""
    folder: Path = settings.DATA / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def work_space() -> Iterator[Path]:
    """Yield an empty folder for unfinished files, gone afterwards; if this process is killed, the sweep removes it."""
    # The system releases the lock when its process dies, however it dies.
    with tempfile.TemporaryDirectory(prefix="work-", dir=work_folder()) as folder, FileLock(Path(folder) / LOCK):
        yield Path(folder)


def sweep_work_folder() -> int:
    """Remove what killed processes left in the work folder; return how many."""
    count = 0
    for path in work_folder().iterdir():
        if path.stat().st_mtime > time.time() - 60:
            continue  # it may be about to be locked
        try:
            with FileLock(path / LOCK, blocking=False):
                pass
        except Timeout:
            continue
        except OSError:  # not a folder, or gone by now
            pass
        remove_local(path)
        count += 1
    return count


def store(name: str, path: Path) -> int:
    """Move the finished file at `path` into the storage as `name`; return its size in bytes."""
    size = path.stat().st_size
    with contextlib.closing(MovableFile(path)) as file:
        default_storage.save(name, file)
    return size


def delete_tree(prefix: str) -> None:
    """Delete every file in the folder `prefix` and below, if there are any."""
    if settings.S3_BUCKET:
        _objects(prefix).delete()  # a thousand with each request
    else:
        shutil.rmtree(default_storage.path(prefix), ignore_errors=True)


def names() -> Iterator[str]:
    """Yield the name of every stored file."""
    if settings.S3_BUCKET:
        storage: Any = default_storage
        yield from (item.key for item in storage.bucket.objects.all())
        return
    root = Path(default_storage.path(""))
    for path in root.rglob("*"):
        if path.is_file():
            yield path.relative_to(root).as_posix()


def replace(name: str, content: IO[bytes]) -> None:
    """Store a file under exactly this name, in place of one that may be there."""
    default_storage.delete(name)
    default_storage.save(name, File(content))


def last_change(prefix: str) -> datetime | None:
    """Return when a file in the folder `prefix` last changed; None if there is none."""
    if settings.S3_BUCKET:
        return max((item.last_modified for item in _objects(prefix)), default=None)
    path = Path(default_storage.path(prefix))
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None


def _objects(prefix: str) -> Any:
    """The objects of the bucket below a folder, as boto3 collects them."""
    storage: Any = default_storage
    return storage.bucket.objects.filter(Prefix=f"{prefix}/")


def has_room(wanted: int = 0) -> bool:
    """Whether `wanted` bytes fit on the disk without using the reserve; S3 always has room."""
    if settings.S3_BUCKET:
        return True
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(settings.MEDIA_ROOT).free - wanted >= settings.MIN_FREE_BYTES


def room() -> int:
    """Return how many bytes unfinished files may take on this machine's disk without using the reserve."""
    return shutil.disk_usage(work_folder()).free - settings.MIN_FREE_BYTES


def need_room() -> None:
    """Raise the error of a full disk if there is less room than must stay free."""
    if room() < 0:
        raise OSError(errno.ENOSPC, "less room than must stay free")


def errors() -> tuple[type[Exception], ...]:
    """Return the errors that S3 raises when it is unreachable or refuses; a disk raises OSErrors."""
    if not settings.S3_BUCKET:
        return ()
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    return (BotoCoreError, ClientError)


def is_away(error: Exception) -> bool:
    """Whether S3 is unreachable or unwell, which is temporary, unlike a refusal."""
    status = (getattr(error, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 503)
    return isinstance(error, errors()) and (status >= 500 or status == 429)


def is_full(error: BaseException) -> bool:
    """Whether the error says that the disk, or our share of it, is full."""
    return isinstance(error, OSError) and error.errno in FULL


def probe() -> None:
    """Write, read and delete a small file, as the site does with large ones; whatever the storage raises goes on."""
    name, content = f"probes/{uuid4().hex}", os.urandom(32)
    stored = default_storage.save(name, ContentFile(content))
    try:
        with default_storage.open(stored) as file:
            if file.read() != content:
                raise OSError(errno.EIO, "what was read is not what was written")
    finally:
        default_storage.delete(stored)


def concatenate(names: Iterable[str], into: Path) -> None:
    """Write the stored pieces one after the other into the local file `into`."""
    with into.open("wb") as whole:
        for name in names:
            with default_storage.open(name) as piece:
                shutil.copyfileobj(piece, whole)


@contextlib.contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """Yield a path on this machine where the stored file can be read."""
    if not settings.S3_BUCKET:
        yield Path(default_storage.path(name))
        return
    with work_space() as folder:
        path = folder / Path(name).name
        concatenate([name], path)
        yield path


def remove_local(path: Path) -> None:
    """Delete a local file or folder; it may be gone already."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
