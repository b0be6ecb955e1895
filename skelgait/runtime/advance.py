"""Progress callback that long-running functions take."""

from __future__ import annotations

from typing import Protocol


class Advance(Protocol):
    """Called as work is done; what it shows is up to the caller."""

    def __call__(self, n: int, status: str = "", /) -> None:
        """Report progress.

        Args:
            n: units (sequences, steps) finished since the last call.
            status: short text on the current state, for example "loss 1.234, accuracy 56 %"; empty: unchanged.
        """
        ...


def no_progress(_n: int, _status: str = "", /) -> None:
    """Ignore progress."""
