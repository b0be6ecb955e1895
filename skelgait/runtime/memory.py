"""Reuse of freed memory."""

from __future__ import annotations

import ctypes
import platform

# Parameters of mallopt, from malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> None:
    """Let this process keep freed memory for reuse, until it ends.

    Each training step and each embedded batch allocates the same gigabytes again. By default glibc returns freed pages
    to the system, and the kernel clears new ones for each step. The process then stays at its peak size. Does nothing
    without glibc (musl, macOS, Windows).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_MAX, 0)  # take large blocks from the heap instead of new mappings
    mallopt(_M_TRIM_THRESHOLD, -1)  # never shrink the heap
    mallopt(_M_ARENA_MAX, 1)  # share one heap between threads, so that any thread can reuse a block
