"""Base class of reports: a repr of one line, rows, and an HTML table for notebooks."""

from __future__ import annotations

import html
from collections.abc import Sequence

from skelgait.display.text import printable

Row = dict[str, object]
"""Row of a table: value by column name."""

_MAX_ROWS = 50
_MAX_CHARACTERS = 200


class Tabular:
    """Report that can be shown as a table.

    A subclass defines `headline` and `rows`. A dataclass needs `@dataclass(repr=False)`.
    """

    def headline(self) -> str:
        """Return the report in a few words, for example "CASIA-B, 440 sequences"."""
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """Return the table as a list of rows, for example for `pandas.DataFrame`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {_shortened(self.headline())}>"

    def _repr_html_(self) -> str:
        """Return the headline and the table as HTML; Jupyter calls it."""
        return html_table(f"{type(self).__name__}: {self.headline()}", self.rows())


def html_table(caption: str, rows: Sequence[Row], max_rows: int = _MAX_ROWS) -> str:
    """Return rows as an HTML table; all text is escaped.

    Args:
        caption: text above the table.
        rows: rows of the table; columns are in the order of their first use.
        max_rows: rows shown; a last line gives the number of the others.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    head = "".join(f"<th>{_escaped(column)}</th>" for column in columns)
    body = [
        f"<tr>{''.join(f'<td>{_escaped(_spelled(row.get(column)))}</td>' for column in columns)}</tr>"
        for row in rows[:max_rows]
    ]
    if len(rows) > max_rows:
        body.append(f'<tr><td colspan="{len(columns)}">... {len(rows) - max_rows} more rows</td></tr>')
    return (
        f"<table>\n<caption>{_escaped(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{chr(10).join(body)}\n</tbody>\n</table>"
    )


def _spelled(value: object) -> str:
    """Return a value as text: floats with 4 significant digits, None as an empty cell."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    return html.escape(printable(text))


def _shortened(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 3]}..."
