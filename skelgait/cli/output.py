"""Reports on the terminal: tables and lines of text, or JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table

_MAX_WARNINGS = 20
_UNLIMITED_WIDTH = 100_000


def show_json(report: object) -> None:
    """Print a report as one JSON object on stdout."""
    typer.echo(json.dumps(report, indent=2, ensure_ascii=False, default=str))


def show_table(
    title: str, header: Sequence[str], rows: Iterable[Sequence[str]], more: str = "", keep: Collection[str] = ()
) -> None:
    """Print a table on stdout.

    Args:
        title: line above the table.
        header: column names; empty: no header.
        rows: cells; the first column is text, the others are numbers.
        more: how to see all columns. If given, columns that do not fit into the terminal are left out, the last ones
            first, and a line names them. A pipe gets all columns.
        keep: columns to leave out only after all others.
    """
    cells = [list(row) for row in rows]
    shown = list(range(len(header) or len(cells[0] if cells else ())))
    # The console must not cut cells, and must print them as text, not as rich's markup. Without a height, it would
    # ignore the width in a dumb terminal.
    console = Console(width=_UNLIMITED_WIDTH, height=1, markup=False, emoji=False, highlight=False)
    table, hidden = _table(header, cells, shown), list[str]()
    while more and len(shown) > 2 and console.measure(table).maximum > _terminal_width():
        column = next((i for i in reversed(shown[1:]) if header[i] not in keep), shown[-1])
        shown.remove(column)
        hidden.insert(0, header[column])
        table = _table(header, cells, shown)
    console.print(title, style="table.title")
    console.print(table)
    if hidden:
        typer.echo(f"  Not shown: {', '.join(hidden)} ({more})\n")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_header=bool(header))
    for column in columns:
        table.add_column(header[column] if header else "", justify="right" if column else "left")
    for row in rows:
        table.add_row(*(row[column] for column in columns))
    return table


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED_WIDTH


def show_counts(title: str, counts: Mapping[str, object]) -> None:
    """Print named numbers on stdout, one per line."""
    show_table(title, (), ((name, str(count)) for name, count in counts.items()))


def show_facts(title: str, facts: Mapping[str, object]) -> None:
    """Print named facts on stdout, one per line."""
    width = max(map(len, facts), default=0)
    show_lines(title, (f"{name:<{width}}  {value}" for name, value in facts.items()))


def show_lines(title: str, lines: Iterable[str]) -> None:
    """Print a title and indented lines of text on stdout."""
    typer.echo(title)
    for line in lines:
        typer.echo(f"  {line}")


def warn(lines: Sequence[str], at_most: int | None = _MAX_WARNINGS) -> None:
    """Print warnings on stderr: the first `at_most` (None: all) and the number of the others."""
    for line in lines[:at_most]:
        typer.secho(f"Warning: {line}", fg=typer.colors.YELLOW, err=True)
    if at_most is not None and len(lines) > at_most:
        typer.secho(f"... and {len(lines) - at_most} more (use --json to see all)", err=True)
