"""Progress callbacks of long-running functions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Callback for finished work."""

    def __call__(self, n: int, status: str = "", /) -> None:
        """Report progress.

        Args:
            n: number of units (sequences, steps) finished since the last call.
            status: short text on the current state, for example "loss 1.234, accuracy 56 %"; empty: unchanged.
        """
        ...


class Progress(Protocol):
    """Function that shows the progress of one stage of work, such as `skelgait.runtime.progress.progress`."""

    def __call__(self, total: int | None, label: str, unit: str, /) -> AbstractContextManager[Advance]:
        """Show progress while the block runs.

        Args:
            total: number of units; None: unknown.
            label: name of the stage, for example "Training".
            unit: plural name of the unit, for example "steps".
        """
        ...


def no_progress(_n: int, _status: str = "", /) -> None:
    """Ignore progress."""


@contextmanager
def silent_progress(_total: int | None, _label: str, _unit: str, /) -> Iterator[Advance]:
    """Show nothing."""
    yield no_progress
