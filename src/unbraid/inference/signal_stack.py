"""The stack that signal handlers run on, kept as it was while a library loads.

OpenVINO's CPU plugin registers a small one of its own while it asks what the processor can do, and leaves it behind.
Python's handlers run there: Ctrl-C, or a child process that ends, could then crash the whole process.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class SignalStack(ctypes.Structure):
    """`stack_t` of Linux's signal.h: where, how (2: none) and how large in bytes."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

    @classmethod
    def current(cls) -> "SignalStack":
        """Return the one of this thread."""
        stack = cls()
        ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
        return stack


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """Give this thread back the signal stack that it had; nothing to do but on Linux."""
    if not sys.platform.startswith("linux"):
        yield
        return
    before = SignalStack.current()
    try:
        yield
    finally:
        ctypes.CDLL(None).sigaltstack(ctypes.byref(before), None)
