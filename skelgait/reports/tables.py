"""An evaluation as tables for people: the same on the screen and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from skelgait.reports.rows import Report, difference_to, percent, published_of, signed_percent, spelled


class TextTable(NamedTuple):
    """A table of text.

    Attributes:
        title: its title.
        header: names of the columns; the first column is text, the others are numbers.
        rows: its rows.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables_of(report: Report) -> Iterator[TextTable]:
    """A table of metrics in percent for each table of the report, with intervals where there are some."""
    for table in report["tables"]:
        metrics = list(table["groups"][0]["metrics"])
        has_published = any(published_of(report, table, g["name"], "rank_1") is not None for g in table["groups"])
        extra = ["published", "difference"] if has_published else []
        header = ["", *map(spelled, metrics), *extra, "probes", "gallery", "no match"]
        rows = [_row(report, table, group, metrics, has_published) for group in table["groups"]]
        yield TextTable(f"{report['protocol']}: {table['title']} (percent)", header, rows)


def _row(
    report: Report, table: Mapping[str, Any], group: Mapping[str, Any], metrics: Sequence[str], has_published: bool
) -> list[str]:
    cells = [group["name"], *(_with_interval(group, metric) for metric in metrics)]
    if has_published:
        published = published_of(report, table, group["name"], "rank_1")
        cells += [percent(published), signed_percent(difference_to(group["metrics"].get("rank_1"), published))]
    return [*cells, str(group["n_probes"]), str(group["n_gallery"]), str(group["n_unmatched"])]


def _with_interval(group: Mapping[str, Any], metric: str) -> str:
    value, bounds = group["metrics"][metric], group["intervals"].get(metric)
    return (
        percent(value)
        if value is None or not bounds
        else f"{percent(value)} [{percent(bounds[0])}, {percent(bounds[1])}]"
    )


def left_over(report: Report) -> list[str]:
    """Which rule left how much out, a sentence for each group and reason."""
    found = []
    for table in report["tables"]:
        for group in table["groups"]:
            where = f"{table['title']}, {group['name']}"
            found += [f"{where}: {n} probes without a true match: {why}" for why, n in group["unmatched"].items()]
            found += [f"{where}: {n} pairs of one person left out: {why}" for why, n in group["left_out"].items()]
    return found


def heading_of(report: Report) -> str:
    """What was evaluated, in a line."""
    network, iteration = report.get("network") or "embeddings", report.get("iteration")
    return f"{report['protocol']}: {network}" + ("" if iteration is None else f", iteration {iteration}")


def summary_of(report: Report) -> str:
    """How it was evaluated, in two sentences."""
    embedding = f" of embedding {report['embedding']}" if report.get("embedding") else ""
    how = f"{report['distance']} distance{embedding}" + (", re-ranked" if report["is_reranked"] else "")
    has_intervals = any(group["intervals"] for table in report["tables"] for group in table["groups"])
    brackets = "; in brackets, 95 % bootstrap intervals over probes" if has_intervals else ""
    cut = f", {report['n_cut']} of them cut" if report["n_cut"] else ""
    return f"{report['n_sequences']} sequences{cut}; {how}. Metrics are in percent{brackets}."


def markdown_of(report: Report) -> str:
    """The report as Markdown."""
    lines = [f"# {_escaped(heading_of(report))}", "", _escaped(summary_of(report))]
    for table in tables_of(report):
        lines += ["", f"## {_escaped(table.title)}", "", _markdown_row(table.header), _rule(len(table.header))]
        lines += [_markdown_row(row) for row in table.rows]
    for title, sentences in (("Left out", left_over(report)), ("Notes", report["notes"])):
        if sentences:
            lines += ["", f"## {title}", "", *(f"* {_escaped(sentence)}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _rule(columns: int) -> str:
    return "|---" + "|---:" * (columns - 1) + "|"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it stands."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|&~$" else c for c in " ".join(text.splitlines()))
