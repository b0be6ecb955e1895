"""Report as one self-contained HTML page: tables, notes and pictures."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from skelgait.display import printable
from skelgait.errors import DataError
from skelgait.reports.rows import Report, format_metric, metric_label
from skelgait.reports.tables import (
    TextTable,
    exclusion_sentences,
    origin_lines,
    report_heading,
    search_sentences,
    source_lines,
    summary_sentences,
    tables_of,
)
from skelgait.storage.atomic import write_text

# Colors follow the reader's light or dark mode; pictures are on white in both.
_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.25rem; }
h3, p, li, figcaption, th:first-child { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0 0 1rem; }
th, td { border-bottom: 1px solid #8886; padding: 0.3rem 0.7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { min-width: 6rem; padding-left: 0; text-align: left; white-space: normal; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
tbody th { font-weight: 400; }
td small { display: block; }
figure { margin: 1.5rem 0 2.5rem; }
img { background: #fff; display: block; height: auto; max-width: 100%; }
figcaption { margin-bottom: 0.5rem; }
@media print {
  body { font-size: 10pt; max-width: none; padding: 0; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: 0.15rem 0.25rem; }
  thead th { white-space: normal; }
  th:first-child, td:first-child { min-width: 0; }
  h2, h3, figcaption { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  img { max-height: 23cm; }
}
"""
# Second defense after escaping: a browser runs and fetches nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_page(path: Path, report: Report, pictures: Mapping[str, Path | bytes]) -> None:
    """Write a report as one HTML page, atomically.

    Args:
        path: HTML file.
        report: report as plain data.
        pictures: PNG files, or their content, by caption.

    Raises:
        DataError: if a picture cannot be read, or the page cannot be written.
    """
    write_text(path, "\n".join(_page(report, pictures)) + "\n")


def _page(report: Report, pictures: Mapping[str, Path | bytes]) -> Iterator[str]:
    heading = _escaped(report_heading(report))
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{heading}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
<p>{_escaped(summary_sentences(report))}</p>"""
    yield from _section("Notes", _list(report["notes"]))
    yield from _section("Metrics", [line for table in tables_of(report) for line in _table(table)])
    yield from _section("Published results", _list(source_lines(report)))
    yield from _section("By condition", [line for table in _by_condition(report) for line in _table(table)])
    yield from _section("Searches", _list(search_sentences(report)))
    yield from _section("Excluded pairs and unmatched probes", _list(exclusion_sentences(report)))
    yield from _section("Pictures", [_figure(title, picture) for title, picture in pictures.items()])
    yield from _section("Origin", _list(origin_lines(report)))
    yield "</main>\n</body>\n</html>"


def _by_condition(report: Report) -> Iterator[TextTable]:
    """Yield the metrics by condition of each table with several conditions."""
    for table in report["tables"]:
        if all(len(group["by_condition"]) < 2 for group in table["groups"]):
            continue
        names = list(table["groups"][0]["metrics"])
        rows = [
            [f"{group['name']}: {condition}", *(format_metric(name, metrics.get(name)) for name in names)]
            for group in table["groups"]
            for condition, metrics in group["by_condition"].items()
        ]
        yield TextTable(f"{table['title']} (percent)", ["", *map(metric_label, names)], rows)


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield a section, or nothing if it has no lines."""
    if lines:
        yield f"<section>\n<h2>{title}</h2>"
        yield from lines
        yield "</section>"


def _list(sentences: Sequence[str]) -> list[str]:
    return ["<ul>", *(f"<li>{_escaped(sentence)}</li>" for sentence in sentences), "</ul>"] if sentences else []


def _table(table: TextTable) -> Iterator[str]:
    # A wide table scrolls below its title; tabindex makes it scroll by keyboard.
    yield f"<h3>{_escaped(table.title)}</h3>"
    yield f'<div class="wide" tabindex="0" role="region" aria-label="{_escaped(table.title)}">\n<table>'
    first, *others = table.header
    header = [f"<td>{_escaped(first)}</td>", *(f'<th scope="col">{_escaped(name)}</th>' for name in others)]
    yield f"<thead><tr>{''.join(header)}</tr></thead>\n<tbody>"
    for name, *cells in table.rows:
        row = "".join(f"<td>{_cell(cell)}</td>" for cell in cells)
        yield f'<tr><th scope="row">{_escaped(name)}</th>{row}</tr>'
    yield "</tbody>\n</table>\n</div>"


def _cell(text: str) -> str:
    """Return a metric with its interval on a second line, which keeps tables narrow on phones and paper."""
    value, bracket, interval = text.partition(" [")
    return _escaped(value) + (f" <small>[{_escaped(interval)}</small>" if bracket else "")


def _figure(title: str, picture: Path | bytes) -> str:
    content = base64.b64encode(_content(picture)).decode()
    # The caption comes first, because pictures can be taller than the screen.
    caption = f"<figcaption>{_escaped(title)}</figcaption>"
    alternative = _escaped(f"Plot: {title.split(': ')[0]}")
    return f'<figure>\n{caption}\n<img alt="{alternative}" src="data:image/png;base64,{content}">\n</figure>'


def _content(picture: Path | bytes) -> bytes:
    if isinstance(picture, bytes):
        return picture
    try:
        return picture.read_bytes()
    except OSError as error:
        hint = "run `skelgait evaluate` again"
        raise DataError(picture, error.strerror or str(error), "a picture of the report", hint) from error


def _escaped(text: Any) -> str:
    """Return text that HTML shows literally."""
    return html.escape(printable(str(text)))
