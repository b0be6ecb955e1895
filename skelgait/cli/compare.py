"""`skelgait compare`: evaluations side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_json, show_table, warn

if TYPE_CHECKING:
    from skelgait.reports.compare import Difference


def compare(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Evaluated runs, or folders of reports; two or more."),
    ],
    runs: options.Runs = None,
    bootstrap_samples: Annotated[int | None, options.field("compare.bootstrap_samples")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Put evaluations side by side, with the significance of their difference to the first one."""
    chosen = options.resolve(ctx, "compare")

    from skelgait.reports.compare import compare_reports

    folders = [_folder(name, chosen.paths.runs) for name in names]
    found = compare_reports(folders, names, chosen.compare.bootstrap_samples)
    warn(found.notes, at_most=None)
    if as_json:
        show_json(asdict(found))
        return
    from skelgait.reports.rows import percent, spelled

    for table in dict.fromkeys(of.table for of in found.metrics):
        header = ["", "metric", *found.names, *(f"{name} - {names[0]}" for name in names[1:]), "probes"]
        rows = [
            [of.group, spelled(of.metric), *map(percent, of.values), *map(_told, of.differences), str(of.n_probes)]
            for of in found.metrics
            if of.table == table
        ]
        show_table(f"{found.protocol}: {table} (percent; differences with 95 % interval and p)", header, rows)


def _folder(name: str, runs: Path) -> Path:
    """The folder of a report: of a run by its name or its path, or as it is named."""
    run = runs / name if (runs / name).is_dir() else Path(name)
    return run if (run / "report.json").is_file() else run / "report"


def _told(of: Difference) -> str:
    from skelgait.reports.rows import signed_percent

    if of.interval is None or of.p is None:
        return "-"
    low, high = map(signed_percent, of.interval)
    return f"{signed_percent(of.difference)} [{low}, {high}] p {of.p:.3f}"
