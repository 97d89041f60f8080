"""Zips that are built while they are sent: they take no disk space and start immediately."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.files.storage import default_storage

from unbraid_web.separations.models import Export

BLOCK = 256 * 2**10  # bytes


class Outbox(io.RawIOBase):
    """A file to write to; what was written is taken out again at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def stream_zip(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """Yield an uncompressed zip of files, each a name and its contents in blocks: sound does not compress further."""
    outbox = Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        for name, blocks in files:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                for block in blocks:
                    member.write(block)
                    yield outbox.take()
    yield outbox.take()


def files_of(exports: Iterable[Export]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the files in finished zips of stems, each song in a folder of its own, even if two share a name."""
    folders: set[str] = set()
    for export in exports:
        with default_storage.open(export.file) as file, zipfile.ZipFile(file) as archive:
            for number, name in enumerate(archive.namelist()):
                folder, _, leaf = name.rpartition("/")
                if number == 0:
                    own, count = folder, 1
                    while own in folders:
                        count += 1
                        own = f"{folder} ({count})"
                    folders.add(own)
                yield f"{own}/{leaf}", blocks_of(archive, name)


def blocks_of(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield one file of a zip, block by block."""
    with archive.open(name) as member:
        while block := member.read(BLOCK):
            yield block
