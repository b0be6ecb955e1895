"""Text tables and sentences of a report, for the terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from skelgait.display import printable
from skelgait.reports.rows import (
    Report,
    difference_to,
    format_metric,
    metric_label,
    percent,
    published_values,
    signed_percent,
)


class TextTable(NamedTuple):
    """Table of text cells.

    Attributes:
        title: title of the table.
        header: column names; the first column has text, the others numbers.
        rows: cells of each row.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables_of(report: Report, metrics: Collection[str] | None = None) -> Iterator[TextTable]:
    """Yield each table of a report with metrics in percent, and with their intervals if there are any.

    Args:
        report: report as plain data.
        metrics: metrics to show; a table that has none of them shows all. Default: all.
    """
    for table in report["tables"]:
        defined = list(table["groups"][0]["metrics"])
        shown = [metric for metric in defined if metrics is None or metric in metrics] or defined
        published = [_published_cells(report, table, group) for group in table["groups"]]
        extra = [] if not any(published) else ["published", *_differences(report, ["difference"]), "source"]
        header = ["", *map(metric_label, shown), *extra, "probes", "gallery", "no match"]
        rows = [
            row
            for group, lines in zip(table["groups"], published, strict=True)
            for row in _rows(group, shown, lines, len(extra))
        ]
        yield TextTable(f"{report['protocol']}: {table['title']} (percent)", header, rows)


def _published_cells(report: Report, table: Mapping[str, Any], group: Mapping[str, Any]) -> list[list[str]]:
    """Return the cells of each published value of a group: value, difference and number of the source."""
    lines, sources = [], _sources(report)
    for metric, value in group["metrics"].items():
        for published, source in published_values(report, table, group["name"], metric):
            difference = signed_percent(difference_to(report, value, published))
            mark = f"[{sources.index(source) + 1}]"
            note = mark if metric == "rank_1" else f"{mark} {metric_label(metric)}"
            lines.append([percent(published), *_differences(report, [difference]), note])
    return lines


def _sources(report: Report) -> list[str]:
    """Return the sources of the published values in the tables, each once."""
    return list(
        dict.fromkeys(
            source
            for table in report["tables"]
            for group in table["groups"]
            for metric in group["metrics"]
            for _, source in published_values(report, table, group["name"], metric)
        )
    )


def source_lines(report: Report) -> list[str]:
    """Return one line for each source of published values, with its number in the tables."""
    return [f"[{number}] {source}" for number, source in enumerate(_sources(report), 1)]


def _differences(report: Report, cells: list[str]) -> list[str]:
    """Return the cells, or none if the report cannot be compared with published results."""
    return [] if report.get("incomparable") else cells


def _rows(
    group: Mapping[str, Any], metrics: Sequence[str], published: Sequence[list[str]], n_published: int
) -> Iterator[list[str]]:
    """Yield the row of a group, and one more row for each further published value."""
    counts = [str(group["n_probes"]), str(group["n_gallery"]), str(group["n_unmatched"])]
    lines = published or [["-"] * (n_published - 1) + [""] if n_published else []]
    yield [group["name"], *(_with_interval(group, metric) for metric in metrics), *lines[0], *counts]
    for line in lines[1:]:
        yield ["", *[""] * len(metrics), *line, *[""] * len(counts)]


def _with_interval(group: Mapping[str, Any], metric: str) -> str:
    value, bounds = group["metrics"][metric], group["intervals"].get(metric)
    return (
        format_metric(metric, value)
        if value is None or not bounds
        else f"{format_metric(metric, value)} [{format_metric(metric, bounds[0])}, {format_metric(metric, bounds[1])}]"
    )


def exclusion_sentences(report: Report) -> list[str]:
    """Return one sentence for each group and reason with unmatched probes or excluded pairs."""
    sentences = []
    for table in report["tables"]:
        for group in table["groups"]:
            where = f"{table['title']}, {group['name']}"
            sentences += [f"{where}: {n} probes without a true match ({why})" for why, n in group["unmatched"].items()]
            sentences += [f"{where}: {n} genuine pairs excluded ({why})" for why, n in group["excluded_pairs"].items()]
    return sentences


def search_sentences(report: Report) -> list[str]:
    """Return one sentence for each group of an open set: the people who are enrolled, and the number of searches."""
    sentences = []
    for table in report["tables"]:
        for group in table["groups"]:
            # Reports of earlier versions have no such key.
            open_set = group.get("open_set")
            if open_set:
                mated, non_mated = (_range(open_set[name]) for name in ("n_mated", "n_non_mated"))
                enrolled = f"{open_set['n_enrolled']} of {open_set['n_people']} people are enrolled each time"
                searches = f"{mated} searches for enrolled people and {non_mated} for others"
                sentences.append(f"{table['title']}, {group['name']}: {enrolled}, {searches}")
    return sentences


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def origin_lines(report: Report) -> list[str]:
    """Return date, version, checkpoint, data and command of a report, one line each; empty if they are unknown."""
    origin = report.get("origin")
    if not origin:
        return []
    lines = {
        "Date": origin["date"],
        "Version": f"skelgait {origin['skelgait']}",
        "Evaluated file": report.get("evaluated_file"),
        "SHA-256 of the checkpoint": origin["checkpoint_sha256"],
        "Data": origin["data"],
        "Command": origin["command"],
    }
    return [f"{name}: {value}" for name, value in lines.items() if value]


def report_heading(report: Report) -> str:
    """Return protocol, network and iteration as a heading."""
    network, iteration = report.get("network") or "embeddings", report.get("iteration")
    return f"{report['protocol']}: {network}" + ("" if iteration is None else f", iteration {iteration}")


def summary_sentences(report: Report) -> str:
    """Return the number of sequences, the distance and the unit of the metrics as two sentences."""
    embedding = f" of embedding {report['embedding']}" if report.get("embedding") else ""
    distance = f"{report['distance']} distance{embedding}" + (", re-ranked" if report["reranked"] else "")
    units = {
        "people" if table["kind"] in ("verification", "open_set") else "probes"
        for table in report["tables"]
        if any(group["intervals"] for group in table["groups"])
    }
    intervals = f", with 95 % bootstrap intervals over {' and '.join(sorted(units))} in brackets" if units else ""
    cut = f" ({report['n_truncated']} cut to the maximum length)" if report["n_truncated"] else ""
    return f"{report['n_sequences']} sequences{cut}; {distance}. Metrics in percent{intervals}."


def to_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    lines = [f"# {_escaped(report_heading(report))}", "", _escaped(summary_sentences(report))]
    for table in tables_of(report):
        lines += ["", f"## {_escaped(table.title)}", "", _markdown_row(table.header), _rule(len(table.header))]
        lines += [_markdown_row(row) for row in table.rows]
    for title, sentences in (
        ("Published results", source_lines(report)),
        ("Searches", search_sentences(report)),
        ("Excluded pairs and unmatched probes", exclusion_sentences(report)),
        ("Notes", report["notes"]),
        ("Origin", origin_lines(report)),
    ):
        if sentences:
            lines += ["", f"## {title}", "", *(f"* {_escaped(sentence)}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _rule(columns: int) -> str:
    return "|---" + "|---:" * (columns - 1) + "|"


def _escaped(text: str) -> str:
    """Return text that Markdown shows literally."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|&~$" else c for c in printable(" ".join(text.splitlines())))
