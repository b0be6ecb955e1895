"""Progress on stderr: a bar in a terminal, otherwise plain lines with the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from rich import progress as bars
from rich.console import Console
from rich.table import Column
from rich.text import Text

from skelgait.display import printable
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.launch import is_rank_zero

_SECONDS_BETWEEN_LINES = 30.0
_COLUMNS_FOR_ELAPSED_TIME = 100


@contextmanager
def progress(total: int | None, label: str, unit: str, /) -> Iterator[Advance]:
    """Show progress on stderr while the block runs, in the process of rank 0 only.

    In a terminal this is a bar. Otherwise a line is written for each new status text, such as the loss of a training
    step, and every 30 seconds without one.

    Args:
        total: number of units; None: unknown.
        label: name of the stage, for example "Training".
        unit: plural name of the unit, for example "steps".

    Yields:
        Callback for finished work.
    """
    if not is_rank_zero():
        yield no_progress
        return
    console = Console(stderr=True)
    columns: list[bars.ProgressColumn] = [
        bars.TextColumn("{task.description}", markup=False), bars.BarColumn(bar_width=None),
        bars.MofNCompleteColumn(table_column=Column(no_wrap=True)), _Column(lambda task: _rate(task, unit)),
    ]  # fmt: skip
    if console.width >= _COLUMNS_FOR_ELAPSED_TIME:
        columns.append(_Column(lambda task: f"{_duration(task.elapsed or 0)} elapsed"))
    if total is not None:
        columns.append(_Column(_remaining))
    columns.append(bars.TextColumn("{task.fields[status]}", markup=False))
    bar = bars.Progress(*columns, console=console, transient=True, expand=True, disable=not console.is_terminal)
    # Older versions of rich end a bar that is not shown with an empty line.
    with bar if console.is_terminal else nullcontext():
        bar.add_task(label, total=total, status="")
        (task,) = bar.tasks
        lines = None if console.is_terminal else _Lines(console, task, unit)

        def advance(n: int, status: str = "", /) -> None:
            bar.update(task.id, advance=n, status=printable(status) or task.fields["status"])
            if lines is not None:
                lines.update(status)

        yield advance
        if lines is not None:
            lines.finish()


class _Column(bars.ProgressColumn):
    """Text about a task, on one line."""

    def __init__(self, format_metric: Callable[[bars.Task], str]) -> None:
        super().__init__(Column(no_wrap=True))
        self._text_of = format_metric

    def render(self, task: bars.Task) -> Text:
        return Text(self._text_of(task), style="progress.remaining")


class _Lines:
    """Progress as lines of text, for log files."""

    def __init__(self, console: Console, task: bars.Task, unit: str) -> None:
        self._console, self._task, self._unit = console, task, unit
        self._last_time = time.monotonic()
        self._last_count: float | None = None

    def update(self, status: str) -> None:
        """Write a line if there is a status, or if the last line is 30 seconds old."""
        if status or time.monotonic() - self._last_time >= _SECONDS_BETWEEN_LINES:
            self._write()

    def finish(self) -> None:
        """Write the final count, unless it is written already or no line was needed."""
        if self._last_count not in (None, self._task.completed):
            self._write()

    def _write(self) -> None:
        task = self._task
        count = f"{task.completed:.0f}" + ("" if task.total is None else f"/{task.total:.0f}")
        details = (_rate(task, self._unit), _remaining(task), task.fields["status"])
        text = ", ".join(filter(None, (f"{task.description}: {count} {self._unit}", *details)))
        self._console.out(f"{time.strftime('%H:%M:%S')} {text}", highlight=False)
        self._last_time, self._last_count = time.monotonic(), task.completed


def _rate(task: bars.Task, unit: str) -> str:
    speed = task.finished_speed or task.speed
    return "" if speed is None else f"{speed:.3g} {unit}/s"


def _remaining(task: bars.Task) -> str:
    seconds = task.time_remaining
    return "" if seconds is None or task.finished else f"{_duration(seconds)} left"


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
