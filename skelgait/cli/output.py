"""Reports on the terminal: tables and lines of text, or JSON.

Everything that a command prints goes through this module: names may contain what a terminal would interpret.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from skelgait.display import printable
from skelgait.errors import SkelgaitError
from skelgait.runtime.interrupts import discard_stdout

CLOSED_PIPE = 141
"""Exit code of a command whose output nobody reads, as of a process that the system ends for it."""
_MAX_WARNINGS = 20
_UNLIMITED_WIDTH = 100_000


def show_json(report: object) -> None:
    """Print a report as one JSON object on stdout."""
    text = json.dumps(report, indent=2, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeError:  # a terminal of ASCII, or a name that is no text
        text = json.dumps(report, indent=2, default=str)
    show_text("\n".join(line if line.isprintable() else _json_escaped(line) for line in text.split("\n")))


def show_json_line(report: object) -> None:
    """Print a report as JSON in one line on stdout, at once."""
    text = json.dumps(report, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeError:
        text = json.dumps(report, default=str)
    show_text(text if text.isprintable() else _json_escaped(text))


def _json_escaped(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def show_text(text: str, *, err: bool = False, **style: Any) -> None:
    """Print text that is printable, with a line break at its end.

    Args:
        text: the text.
        err: print on stderr.
        style: style of `typer.style`; default: none.

    Raises:
        SkelgaitError: if it cannot be written.
        typer.Exit: if stdout is a pipe whose reader has ended, as in `skelgait runs | head -1`.
    """
    try:
        typer.echo(typer.style(text, **style) if style else text, err=err)
    except BrokenPipeError:
        discard_stdout()
        raise typer.Exit(CLOSED_PIPE) from None
    except OSError as error:
        raise unwritable("standard error" if err else "standard output", error) from error


def unwritable(stream: str, error: OSError) -> SkelgaitError:
    """Return the error for a stream that cannot be written; what stdout still holds is discarded."""
    discard_stdout()
    hint = "free disk space, or write to another file"
    return SkelgaitError(stream, error.strerror or str(error), "a file that can be written", hint)


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
    title, header = printable(title), list(map(printable, header))
    cells = [list(map(printable, row)) for row in rows]
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
    with console.capture() as captured:
        console.print(title, style="table.title")
        console.print(table)
    show_text(captured.get().removesuffix("\n"))
    if hidden:
        show_text(f"  Not shown: {', '.join(hidden)} ({more})\n")


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
    width = max(map(len, map(printable, facts)), default=0)
    show_lines(title, (f"{printable(name):<{width}}  {value}" for name, value in facts.items()))


def show_lines(title: str, lines: Iterable[str]) -> None:
    """Print a title and indented lines of text on stdout."""
    show_text("\n".join([printable(title), *(f"  {printable(line)}" for line in lines)]))


def warn(lines: Sequence[str], at_most: int | None = _MAX_WARNINGS) -> None:
    """Print warnings on stderr: the first `at_most` (None: all) and the number of the others."""
    for line in lines[:at_most]:
        show_text(f"Warning: {printable(line)}", fg=typer.colors.YELLOW, err=True)
    if at_most is not None and len(lines) > at_most:
        show_text(f"... and {len(lines) - at_most} more (use --json to see all)", err=True)
