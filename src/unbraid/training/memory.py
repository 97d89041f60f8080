"""Keep memory that was freed: a training step takes gigabytes anew, and page faults cost more than arithmetic."""

import ctypes
import sys
from collections.abc import Callable

# the parameters' numbers in glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> bool:
    """Tell glibc's allocator never to give memory back to the system by itself; returns whether it was told.

    Without it large tensors come from fresh pages at every step, which the kernel has to clear: a third of a training's
    time on a CPU. Other systems and allocators (jemalloc, musl) are left as they are.
    """
    mallopt = _libc_function("mallopt")
    if mallopt is None:
        return False
    told = [mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, 2**31 - 1), mallopt(_ARENA_MAX, 1)]
    return all(told)


def release_freed_memory() -> bool:
    """Give what was kept back to the system; returns whether there was something, and an allocator that can.

    For before a fork: as soon as the parent writes to a page, the child holds a copy of what was in it, so a process
    that mixes songs would hold as many gigabytes of a step's waste as the training itself.
    """
    malloc_trim = _libc_function("malloc_trim")
    return malloc_trim is not None and bool(malloc_trim(0))


def _libc_function(name: str) -> Callable[..., int] | None:
    """A function of the C library, if this is Linux and its C library has it."""
    function: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    return function
