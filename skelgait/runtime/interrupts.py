"""Ctrl-C of a command: "Stopped." and exit code 130, at any moment.

While a command works, the first Ctrl-C raises KeyboardInterrupt, so that files are closed and temporary ones removed.
A second one, and one before or after the work or while a module is imported, ends the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED = 130
"""Exit code of a command that was stopped by a signal."""

_SHOW_CURSOR = "\x1b[?25h"


class _Interrupts:
    """State of this process: its id, and whether it is already stopping."""

    process = 0
    is_stopping = False


def stop_at_once_on_interrupt() -> None:
    """Let Ctrl-C end this process at once from now on; call this before modules are imported."""
    # A process that was started to ignore Ctrl-C, as in `nohup` or in the background of a script, keeps to ignore it.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        _Interrupts.process = os.getpid()
        signal.signal(signal.SIGINT, _stop)


@contextmanager
def cleanup_on_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C raise KeyboardInterrupt while the block runs.

    Does nothing if `stop_at_once_on_interrupt` was not called: other programs handle Ctrl-C in their own way.
    """
    if signal.getsignal(signal.SIGINT) is not _stop:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _stop)


def say_stopped() -> None:
    """Write that the command was stopped."""
    text = f"{_SHOW_CURSOR if os.isatty(2) else ''}Stopped.\n"
    with suppress(OSError):
        os.write(2, text.encode())


def _stop(_number: int = 0, _frame: FrameType | None = None) -> None:
    if os.getpid() == _Interrupts.process:  # not in a forked worker
        say_stopped()
    os._exit(INTERRUPTED)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    if os.getpid() != _Interrupts.process:
        raise KeyboardInterrupt
    if "RANK" in os.environ and _Interrupts.is_stopping:
        return  # the launcher repeats the signal of the terminal
    # A module that is being imported may swallow KeyboardInterrupt.
    if _Interrupts.is_stopping or _is_importing(frame):
        _stop()
    _Interrupts.is_stopping = True
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def discard_stdout() -> None:
    """Let stdout lead nowhere, after its reader is gone or its disk is full."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
