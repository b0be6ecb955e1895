"""End of a process together with the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

LAUNCHER = "_SKELGAIT_LAUNCHER"
"""Environment variable with the process id of the launcher, for processes that `launch` starts."""

_SECONDS_BETWEEN_LOOKS = 1.0
_PR_SET_PDEATHSIG = 1  # from sys/prctl.h
_is_watched = False


def end_with_launcher() -> None:
    """End this process with its launcher, if torch's launcher started it; see `end_with_parent`."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        expected = os.environ.get(LAUNCHER, "")
        end_with_parent(int(expected) if expected.isdecimal() else None)


def end_with_parent(parent: int | None = None) -> None:
    """End this process within seconds after its parent process ends, even if that is killed.

    Linux kills the process at once. Elsewhere, and for parents that end while this one starts, a thread looks each
    second. Files are written atomically, so that nothing is half-written.

    Args:
        parent: process id of the parent, for a process that may have lost it already; default: its parent now.
    """
    global _is_watched
    if _is_watched:
        return
    _is_watched = True
    # A forked process has no threads, and forgets the signal of its parent's death.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    parent = parent or os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def _forget() -> None:
    global _is_watched
    _is_watched = False
