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

_HEADER = (
    "run", "network", "identities", "iteration", "triplet loss", "cross entropy", "accuracy", "active", "steps/s",
    "best rank-1", "checkpoints", "started",
)  # fmt: skip


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

    from skelgait.runs import differing_settings, find_runs, save_plot, summarize

    found = find_runs(folder, names or ())
    summaries, differing = [summarize(run) for run in found], differing_settings(found)
    if plot:
        save_plot(plot, found)
    warn([problem for run in found for problem in run.problems], at_most=None)
    if as_json:
        rows = [asdict(summary) for summary in summaries]
        show_json({"folder": folder, "runs": rows, "differing_settings": differing, "plot": plot})
        return
    show_table(f"Runs in {folder} (accuracy, active triplets and rank-1 in percent)", _HEADER, map(_row, summaries))
    told = [run.name for run in found if run.settings]
    if len(told) > 1:
        _show_differing(differing, told)
    if plot:
        show_lines("Curves", [str(plot)])


def _row(of: Summary) -> list[str]:
    iteration = _text(of.iteration) + (f" of {of.iterations}" if of.iterations else "")
    best = f"{_percent(of.best.score)} (at {of.best.iteration})" if of.best else "-"
    return [
        of.run, _text(of.network), _text(of.identities), iteration, _number(of.triplet_loss, ".4f"),
        _number(of.cross_entropy, ".4f"), _percent(of.accuracy), _percent(of.active_share),
        _number(of.steps_per_second, ".2f"), best, str(of.checkpoints), _text(of.started)[:16].replace("T", " "),
    ]  # fmt: skip


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
