"""Reports on the screen: tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table

_NAMED_AT_MOST = 20
_ANY_WIDTH = 100_000


def show_json(report: object) -> None:
    """Print a report as one JSON object on stdout."""
    typer.echo(json.dumps(report, indent=2, ensure_ascii=False, default=str))


def show_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout, whole; the first column is text, the others are numbers; no header where empty."""
    table = Table(box=box.SIMPLE_HEAD, show_header=bool(header))
    filled = list(rows)
    for i in range(len(filled[0]) if filled else len(header)):
        table.add_column(header[i] if header else "", justify="right" if i else "left")
    for row in filled:
        table.add_row(*row)
    # A narrow console, such as a pipe, would cut the cells; and what stands in them is text, not rich's markup.
    console = Console(width=_ANY_WIDTH, markup=False, emoji=False, highlight=False)
    console.print(title, style="table.title")
    console.print(table)


def show_counts(title: str, counts: Mapping[str, object]) -> None:
    """Print named numbers, one a line, on stdout."""
    show_table(title, (), ((name, str(count)) for name, count in counts.items()))


def show_facts(title: str, facts: Mapping[str, object]) -> None:
    """Print named facts, one a line, on stdout."""
    width = max(map(len, facts), default=0)
    show_lines(title, (f"{name:<{width}}  {value}" for name, value in facts.items()))


def show_lines(title: str, lines: Iterable[str]) -> None:
    """Print a title and lines of text below it, on stdout."""
    typer.echo(title)
    for line in lines:
        typer.echo(f"  {line}")


def warn(lines: Sequence[str], at_most: int | None = _NAMED_AT_MOST) -> None:
    """Print warnings on stderr, `at_most` of them whole and the others counted; all of them where None."""
    for line in lines[:at_most]:
        typer.secho(f"Warning: {line}", fg=typer.colors.YELLOW, err=True)
    if at_most is not None and len(lines) > at_most:
        typer.secho(f"... and {len(lines) - at_most} more (all of them with --json)", err=True)
