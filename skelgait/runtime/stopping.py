"""Deferred handling of Ctrl-C and SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from skelgait.runtime.launch import launched

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Request to stop this process.

    Attributes:
        wanted: True after the first signal.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._is_waiting = False

    def record(self, number: int, _: FrameType | None) -> None:
        """Handle a signal: record it, and interrupt a wait; a second Ctrl-C interrupts everything."""
        is_second = self.wanted and number == signal.SIGINT and not launched()
        is_waiting, self._is_waiting, self.wanted = self._is_waiting, False, True
        if is_second or is_waiting:
            raise KeyboardInterrupt

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Let the first signal, even an earlier one, interrupt this block with KeyboardInterrupt."""
        self._is_waiting = True
        try:
            self.check()
            yield
        finally:
            self._is_waiting = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if a stop was requested."""
        if self.wanted:
            raise KeyboardInterrupt


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Record Ctrl-C and SIGTERM while the block runs, instead of interrupting it; a second Ctrl-C interrupts.

    Under a launcher a second Ctrl-C is ignored, because the launcher forwards the signal that the terminal has already
    sent to all processes. Only the main thread receives signals: in other threads no stop is ever requested.

    Yields:
        Request to check between units of work.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    previous = {number: signal.signal(number, request.record) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
