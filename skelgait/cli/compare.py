"""`skelgait compare`: evaluations side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.completion import complete_run
from skelgait.cli.output import show_json, show_table, warn

if TYPE_CHECKING:
    from skelgait.reports.differences import Difference
    from skelgait.settings import Settings

_Names = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...", help="Evaluated runs, or report folders; two or more.", autocompletion=complete_run
    ),
]


@command(
    "skelgait compare CCPG_skeletongait CCPG_skeletongait++",
    "skelgait compare baseline mine --bootstrap-samples 10000 --json",
    flags={DATA: ("paths.runs",), "Statistics": ("compare.bootstrap_samples",)},
)
def compare(names: _Names, settings: Settings, as_json: Json = False) -> None:
    """Compare evaluations, with significance tests.

    Each evaluation is compared with the first one.
    """
    from skelgait.reports.compare import compare_reports

    folders = [_report_folder(name, settings.paths.runs) for name in names]
    comparison = compare_reports(folders, names, settings.compare.bootstrap_samples)
    warn(comparison.notes, at_most=None)
    if as_json:
        show_json(asdict(comparison))
        return
    from skelgait.reports.rows import format_metric, metric_label

    header = ["", "metric", *comparison.names, *(f"{name} - {names[0]}" for name in names[1:]), "probes"]
    for table in dict.fromkeys(metric.table for metric in comparison.metrics):
        rows = [
            [
                row.group, metric_label(row.metric), *(format_metric(row.metric, value) for value in row.values),
                *map(_describe, row.differences),
                str(row.n_probes),
            ]
            for row in comparison.metrics
            if row.table == table
        ]  # fmt: skip
        title = f"{comparison.protocol}: {table} (percent; differences with 95 % interval and p)"
        show_table(title, header, rows, more="use a wider terminal, or --json")


def _report_folder(name: str, runs: Path) -> Path:
    """Return the report folder of a run, given by name or path, or the folder `name` itself."""
    run = runs / name if (runs / name).is_dir() else Path(name)
    return run if (run / "report.json").is_file() else run / "report"


def _describe(difference: Difference) -> str:
    from skelgait.reports.rows import signed_percent

    if difference.interval is None or difference.p is None:
        return "-"
    low, high = map(signed_percent, difference.interval)
    return f"{signed_percent(difference.difference)} [{low}, {high}] p {difference.p:.3f}"
