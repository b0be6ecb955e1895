"""`skelgait runs`: training runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_json, show_lines, show_table, warn

if TYPE_CHECKING:
    from skelgait.runs import Summary


def runs(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="RUN", help="Runs to show; all where not given.")] = None,
    runs: options.Runs = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Picture of their curves to write; needs matplotlib.")
    ] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """List training runs: where they are, how good, how fast, and in which settings they differ."""
    folder = options.resolve(ctx, "runs").paths.runs

    from skelgait.runs import differing_settings, find_runs, label_of, save_plot, summarize

    found = find_runs(folder, names or ())
    summaries, differing = [summarize(run) for run in found], differing_settings(found)
    if plot:
        save_plot(plot, found)
    warn([problem for run in found for problem in run.problems], at_most=None)
    if as_json:
        content = [asdict(summary) for summary in summaries]
        show_json({"folder": folder, "runs": content, "differing_settings": differing, "plot": plot})
        return
    metrics = list(dict.fromkeys(name for summary in summaries for name in summary.metrics))
    header = (
        "run", "network", "identities", "iteration", *map(label_of, metrics), "steps/s", "best rank-1", "checkpoints",
        "started",
    )  # fmt: skip
    rows = [_row(summary, metrics) for summary in summaries]
    show_table(f"Runs in {folder} (accuracies, shares and rank-1 in percent)", header, rows)
    told = [run.name for run in found if run.settings]
    if len(told) > 1:
        _show_differing(differing, told)
    if plot:
        show_lines("Curves", [str(plot)])


def _row(summary: Summary, metrics: Sequence[str]) -> list[str]:
    iteration = _text(summary.iteration) + (f" of {summary.iterations}" if summary.iterations else "")
    best = f"{_percent(summary.best.score)} (at {summary.best.iteration})" if summary.best else "-"
    return [
        summary.run, _text(summary.network), _text(summary.identities), iteration,
        *(_metric(name, summary.metrics.get(name)) for name in metrics), _number(summary.steps_per_second, ".2f"),
        best, str(summary.checkpoints), _text(summary.started)[:16].replace("T", " "),
    ]  # fmt: skip


def _metric(name: str, value: float | None) -> str:
    from skelgait.runs import is_fraction

    return _percent(value) if is_fraction(name) else _number(value, ".4f")


def _show_differing(differing: Mapping[str, Mapping[str, object]], names: Sequence[str]) -> None:
    if not differing:
        show_lines("Settings that differ", ["none"])
        return
    rows = [[key, *(str(of_run.get(name, "-")) for name in names)] for key, of_run in differing.items()]
    show_table("Settings that differ", ("setting", *names), rows)


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
