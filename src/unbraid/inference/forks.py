"""Makes it safe to fork a process that has separated: a child has none of its threads, and its locks as they were."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import RLock
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")

SETTLING_SECONDS = 0.1  # a library's threads go to sleep a moment after a call into it has ended
LONGEST_WAIT = 10.0  # seconds; then the process is forked all the same


class PerProcess(Generic[T]):
    """An object with threads that is made again in a forked process, which has none of its parent's threads.

    A forked process never closes its parent's object, because that would wait for those threads.
    """

    _instances: ClassVar[WeakSet["PerProcess[Any]"]] = WeakSet()

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made, self._process = make(), os.getpid()
        self._instances.add(self)

    def get(self) -> T:
        """Return this process's own object."""
        if self._process != os.getpid():
            self._made, self._process = self._make(), os.getpid()
        return self._made

    @classmethod
    def keep_the_parents(cls) -> None:
        """Hold what the parent made to the end, also where globals are cleared; called in the child."""
        for instance in cls._instances:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(instance._made))


class _NativeCalls:
    """The calls into libraries with threads of their own that are under way in this process."""

    def __init__(self) -> None:
        self._gate = RLock()  # held during a fork; reentrant, for a signal handler may fork inside a call
        self._under_way: set[object] = set()
        self._last_end = float("-inf")

    @contextmanager
    def one(self) -> Iterator[None]:
        call = object()
        with self._gate:
            self._under_way.add(call)
        try:
            yield
        finally:
            self._under_way.discard(call)
            self._last_end = time.monotonic()

    def before_fork(self) -> None:
        """Let no new call begin, and wait until those under way have ended."""
        self._gate.acquire()
        latest = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < latest and (self._under_way or time.monotonic() < self._last_end + SETTLING_SECONDS):
            time.sleep(0.005)

    def after_in_parent(self) -> None:
        self._gate.release()

    def after_in_child(self) -> None:
        self._under_way.clear()
        self._gate.release()


_calls = _NativeCalls()


def native_call() -> AbstractContextManager[None]:
    """Return a context for a call into OpenVINO or ONNX Runtime: the process is not forked until it has ended.

    Their threads hold locks while they work, and a lock that is held at a fork stays locked in the child.
    """
    return _calls.one()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_calls.before_fork, after_in_parent=_calls.after_in_parent, after_in_child=_calls.after_in_child
    )
    os.register_at_fork(after_in_child=PerProcess.keep_the_parents)
