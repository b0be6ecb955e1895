"""How work tells of its progress, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from skelgait.runtime.advance import Advance, no_progress

Progress = Callable[[int | None, str, str], AbstractContextManager[Advance]]
"""Called with total, label and unit for each stretch of work; gives a function that is told what has been done."""


@contextmanager
def silent(_total: int | None, _label: str, _unit: str) -> Iterator[Advance]:
    """Shows nothing."""
    yield no_progress
