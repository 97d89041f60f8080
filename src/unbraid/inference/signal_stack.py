"""Restores the stack that signal handlers run on after a library was loaded.

OpenVINO's CPU plugin registers a small stack of its own while it detects the processor's features, and leaves it
behind. Python's handlers would then run on it: Ctrl-C, or a child process that ends, could crash the whole process.
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
        """Return this thread's signal stack."""
        stack = cls()
        ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
        return stack


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """Restore this thread's signal stack when the block is left; does nothing except on Linux."""
    if not sys.platform.startswith("linux"):
        yield
        return
    before = SignalStack.current()
    try:
        yield
    finally:
        ctypes.CDLL(None).sigaltstack(ctypes.byref(before), None)
