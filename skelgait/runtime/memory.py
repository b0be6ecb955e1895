"""What becomes of memory that is freed."""

from __future__ import annotations

import ctypes
import platform

# Parameters of glibc's mallopt, from its malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, to use it again.

    A training step, or the next sequence to embed, asks for the same gigabytes again and again. Without this, glibc
    gives the pages back to the system, and the kernel clears new ones every time: a seventh of the time of a training
    step on two cores. Holds until the process ends, whose size stays at the most that it ever needed. Does nothing
    where the C library is not glibc: on musl, macOS and Windows.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_MAX, 0)  # large blocks come from the heap, not from mappings of their own
    mallopt(_M_TRIM_THRESHOLD, -1)  # the heap never shrinks
    mallopt(_M_ARENA_MAX, 1)  # one heap for all threads, as what one has freed another asks for
