"""Opens what the user names as a song: a path, a pipe or an open file."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from unbraid.audio.types import Source
from unbraid.errors import InputError, OutputError


def source_name(source: Source) -> str:
    """Return the name of this source for messages; a name with line breaks and the like is quoted."""
    name = os.fspath(source) if isinstance(source, str | os.PathLike) else str(getattr(source, "name", "the input"))
    return name if name.isprintable() else repr(name)


def opened(source: Source, name: str) -> tuple[IO[bytes], bool]:
    """Return the source as a seekable file, and whether it is ours to close.

    Raises:
        InputError: it does not exist, is empty or cannot be opened.
        OutputError: it is a pipe, and there is no room for a copy.
    """
    if not isinstance(source, str | os.PathLike):
        if not hasattr(source, "seekable"):
            kind = type(source).__name__
            raise InputError(f"A song is a path or an open binary file, not {kind}; arrays are for `separate_array`.")
        if not source.seekable():
            return _copied(source, name), True
        if not source.seek(0, os.SEEK_END):
            raise InputError(f"{name} is empty.")
        return source, False
    if not os.fspath(source):  # which Path takes for the folder that we are in
        raise InputError("The name of the song is empty.")
    path = Path(source)
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # one that cannot be entered is a matter of its own
            raise InputError(f"{name} is a folder, not a song.")
        if path.stat().st_size == 0 and path.is_file():
            raise InputError(f"{name} is empty.")
        file = path.open("rb", buffering=-1 if path.is_file() else 0)
    except FileNotFoundError:
        raise InputError(f"{name} does not exist.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be opened: {reason(error)}.") from error
    if file.seekable():
        return file, True
    with file:
        return _copied(file, name), True


def reason(error: BaseException) -> str:
    """Return why something failed, as the end of a sentence."""
    return (getattr(error, "strerror", None) or str(error)).lower()


class ForgivingFile:
    """A file for FFmpeg, which seeks to impossible places in damaged files and expects a number, not an exception.

    If something around the sound would be mistaken for a part of it, only the bytes from `begin` to `end` are shown.
    """

    def __init__(self, file: IO[bytes], begin: int = 0, end: int | None = None) -> None:
        self.seekable = file.seekable
        self._file, self._begin, self._end = file, begin, end

    def tell(self) -> int:
        """Return the position within the part shown."""
        return self._file.tell() - self._begin

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes."""
        if self._end is None:
            return self._file.read(size)
        left = max(self._end - self._file.tell(), 0)
        return self._file.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the new position, or −1 if there is no such place."""
        if whence == os.SEEK_END and self._end is not None:
            offset, whence = self._end - self._begin + offset, os.SEEK_SET
        if whence == os.SEEK_SET:
            if offset < 0:
                return -1
            offset += self._begin
        with suppress(OSError, ValueError, OverflowError):
            return self._file.seek(offset, whence) - self._begin
        return -1


def _copied(pipe: IO[bytes], name: str) -> IO[bytes]:
    """Return the content of a pipe as an unnamed file on disk.

    FFmpeg must be able to seek: for an MP4 whose index is at its end, and for an MP3's exact length.
    """
    try:
        copy = tempfile.TemporaryFile()  # noqa: SIM115  # it is the reader that closes it
    except OSError as error:
        raise OutputError(f"{name} is a pipe, and there is no room to copy it to: {reason(error)}.") from error
    try:
        shutil.copyfileobj(pipe, copy, 1 << 20)
        size = copy.tell()
        copy.seek(0)
    except OSError as error:
        with suppress(OSError):
            copy.close()
        place = tempfile.gettempdir()
        raise OutputError(
            f"{name} is a pipe and cannot be copied to {place}: {reason(error)}. Make room there, or set TMPDIR."
        ) from error
    if not size:
        copy.close()
        raise InputError(f"{name} is empty.")
    return copy
