"""Keep memory that was freed: a training step takes gigabytes anew, and page faults cost more than arithmetic."""

import ctypes
import sys

# the parameters' numbers in glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


def keep_freed() -> bool:
    """Tell glibc's allocator never to give memory back to the system; returns whether it was told.

    Without it large tensors come from fresh pages at every step, which the kernel has to clear: a third of a training's
    time on a CPU. Other systems and allocators (jemalloc, musl) are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    told = [mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, 2**31 - 1), mallopt(_ARENA_MAX, 1)]
    return all(told)
