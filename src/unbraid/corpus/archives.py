"""Unpacking tar archives from elsewhere."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path


def unpack_tar(archive: Path, folder: Path) -> list[str]:
    """Unpack the folders and plain files of a tar archive into `folder`; return the names of the files.

    Raises:
        tarfile.TarError: it is broken, or holds a link, a device or a path that leads out of the folder; then nothing
            is unpacked.
        EOFError: it is compressed and cut short.
    """
    # As the filter "data" of `extractall` does, which Python has only since 3.11.4.
    root = folder.resolve()
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
        for member in members:
            if not (member.isfile() or member.isdir()):
                raise tarfile.TarError(f"{member.name} is neither a file nor a folder")
            if not (root / member.name).resolve().is_relative_to(root):
                raise tarfile.TarError(f"{member.name} lies outside the folder")
        for member in members:
            target = root / member.name
            if content := opened.extractfile(member):
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
            else:
                target.mkdir(parents=True, exist_ok=True)
    return [member.name for member in members if member.isfile()]
