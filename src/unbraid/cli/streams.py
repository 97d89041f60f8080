"""Standard streams that cannot stop the work, even if closed, unable to encode a name, or no longer read by anyone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast


class SafeStream:
    """A text stream that accepts everything written to it, whatever happens to the stream behind it.

    Characters that cannot be encoded are written as plainer ones, or as escapes. After a failure, which `failure`
    keeps, the rest is dropped.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        """Write `text`, or drop it; return its length."""
        if self.failure is None:
            try:
                self._write(text)
            except (OSError, ValueError) as error:  # ValueError: the stream is closed
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Send on what is buffered, or drop it."""
        if self.failure is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write("".join(_written(sign, encoding) for sign in text))

    def _give_up(self, error: OSError | ValueError) -> None:
        self.failure = error
        with suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())  # the buffered rest must not fail again at exit


PLAINER = {"×": "x", "…": "...", "♭": "b", "♯": "#", "–": "-", "−": "-"}  # the signs in sentences of our own


def _written(sign: str, encoding: str) -> str:
    """Return a character as a stream of this encoding can write it."""
    with suppress(UnicodeEncodeError):
        sign.encode(encoding)
        return sign
    return PLAINER.get(sign) or sign.encode(encoding, "backslashreplace").decode(encoding)


@dataclass(frozen=True)
class SafeStreams:
    """Both streams of a command."""

    out: SafeStream
    err: SafeStream

    def exit_code(self) -> int:
        """Report lost results (on a full disk, say) and return 1; a reader that stops reading is no failure."""
        self.out.flush()
        failure = self.out.failure
        if not isinstance(failure, OSError) or isinstance(failure, BrokenPipeError):
            return 0
        print(f"unbraid: not all output could be written: {(failure.strerror or '').lower()}.", file=sys.stderr)
        return 1


@contextmanager
def safe_streams() -> Iterator[SafeStreams]:
    """Make standard output and standard error safe while a command runs."""
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    with Path(os.devnull).open("w") as nowhere:
        out, err = (SafeStream(stream or nowhere) for stream in before)
        sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
        try:
            yield SafeStreams(out, err)
        finally:
            out.flush()
            err.flush()
            sys.stdout, sys.stderr = before


def _occupy_descriptors() -> None:
    """Open the null device on each standard descriptor that is closed.

    Otherwise the next file opened would get its number, and a library's error message could end up in a stem.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
