"""Signals that ask this process to end, kept until it is convenient."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from skelgait.runtime.launch import launched

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether this process has been asked to end.

    Attributes:
        wanted: whether it has.
    """

    def __init__(self) -> None:
        self.wanted = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if this process has been asked to end."""
        if self.wanted:
            raise KeyboardInterrupt


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Keep Ctrl-C and SIGTERM while the block runs, instead of being interrupted anywhere; a second Ctrl-C interrupts.

    Launchers hand on the signals that the terminal has sent to everybody already, so under a launcher a second one
    means nothing. In other threads than the main one, which get no signals, the request never comes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, _: FrameType | None) -> None:
        if request.wanted and number == signal.SIGINT and not launched():
            raise KeyboardInterrupt
        request.wanted = True

    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
