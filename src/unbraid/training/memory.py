"""Keeps freed memory: each training step allocates gigabytes, and page faults would cost more than arithmetic."""

import ctypes
import sys
from collections.abc import Callable

# the parameters' numbers in glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to keep freed memory; return whether that was possible.

    Otherwise large tensors get fresh pages at every step, which the kernel has to clear: a third of the training time
    on a CPU. Other systems and allocators (jemalloc, musl) are left alone.
    """
    mallopt = _libc_function("mallopt")
    if mallopt is None:
        return False
    told = [mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, 2**31 - 1), mallopt(_ARENA_MAX, 1)]
    return all(told)


def release_freed_memory() -> bool:
    """Return freed memory to the system; return whether there was any, and an allocator that can.

    Call it before a fork: when the parent writes to a page, the child keeps a copy of the old one, so a process
    that mixes songs would hold as many gigabytes of a step's garbage as the training itself.
    """
    malloc_trim = _libc_function("malloc_trim")
    return malloc_trim is not None and bool(malloc_trim(0))


def _libc_function(name: str) -> Callable[..., int] | None:
    """A function of the C library, if this is Linux and its C library has it."""
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    return function
