"""A progress bar on stderr: rate and time left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from skelgait.runtime.advance import Advance, no_progress


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g} {self._unit}/s", style="progress.data.speed")


@contextmanager
def progress(total: int | None, label: str, unit: str, done: int = 0) -> Iterator[Advance]:
    """Show progress while the block runs; nothing where stderr is no terminal, or in any process but the first.

    Args:
        total: how much there is to do; None where unknown.
        label: what is being done.
        unit: what is counted, in the plural.
        done: how much is done already.

    Yields:
        A function that is told how much has been done since its last call.
    """
    console = Console(stderr=True)
    if not console.is_terminal or os.environ.get("RANK", "0") != "0":
        yield no_progress
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(unit), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total, completed=done)
        yield lambda n, _status="": bar.advance(task, n)
