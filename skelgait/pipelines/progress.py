"""How work tells of its progress, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Progress = Callable[[int | None, str, str], AbstractContextManager[Callable[[int], None]]]
"""Called with total, label and unit for each stretch of work; gives a function that is told what has been done."""


@contextmanager
def silent(_total: int | None, _label: str, _unit: str) -> Iterator[Callable[[int], None]]:
    """Shows nothing."""
    yield lambda _: None
