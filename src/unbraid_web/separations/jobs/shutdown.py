"""Lets a running job notice that its worker was asked to stop, whichever program runs the worker."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = [signal.SIGTERM, signal.SIGINT]


class ShutdownRequested(Exception):  # noqa: N818 # a request, not an error
    """The worker was asked to stop: put the work back and exit."""


class GracefulShutdown:
    """While entered, notes SIGTERM and SIGINT and passes them on to the worker's own handlers."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        """Raise `ShutdownRequested` if somebody asked for it."""
        if self.requested:
            raise ShutdownRequested

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        before = self._before[number]
        if callable(before) and before is not signal.default_int_handler:
            before(number, frame)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there signals can be handled
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
