"""Lets a running job notice that its worker was asked to stop, whichever program runs the worker."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = [signal.SIGTERM, signal.SIGINT]


class StopAsked(Exception):  # noqa: N818 # a wish, not an error
    """The worker was asked to stop: put the work back and go."""


class Stopping:
    """While entered, notes SIGTERM and SIGINT and passes them on to the worker's own handlers."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        """Raise `StopAsked` if somebody asked."""
        if self.asked:
            raise StopAsked

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
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
