"""`skelgait runs`: training runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.completion import complete_run
from skelgait.cli.output import show_json, show_lines, show_table, warn

if TYPE_CHECKING:
    from skelgait.runs import Summary
    from skelgait.settings import Settings

_MORE = "use a wider terminal, or --json"

_Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN...", help="Runs to list; default: all.", autocompletion=complete_run),
]
_Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="<path>",
        help="Picture of the curves to write; needs skelgait\\[plots].",
        rich_help_panel=DATA,
    ),
]


@command("skelgait runs", "skelgait runs baseline mine --plot curves.png", flags={DATA: ("paths.runs", "wait")})
def runs(settings: Settings, names: _Names = None, plot: _Plot = None, as_json: Json = False) -> None:
    """List training runs: progress, losses, best rank-1, settings."""
    from skelgait.runs import differing_settings, find_runs, save_plot, summarize

    folder = settings.paths.runs
    all_runs = find_runs(folder, names or ())
    summaries, differing = [summarize(run) for run in all_runs], differing_settings(all_runs)
    if plot:
        save_plot(plot, all_runs)
    warn([problem for run in all_runs for problem in run.problems], at_most=None)
    if as_json:
        rows = [asdict(summary) for summary in summaries]
        show_json({"folder": folder, "runs": rows, "differing_settings": differing, "plot": plot})
        return
    _show_summaries(folder, summaries)
    with_settings = [run.name for run in all_runs if run.settings]
    if len(with_settings) > 1:
        _show_differing(differing, with_settings)
    if plot:
        show_lines("Curves", [str(plot)])


def _show_summaries(folder: Path, summaries: Sequence[Summary]) -> None:
    """Print one row per run. The most important columns come first, because a narrow terminal shows only these."""
    from skelgait.runs import metric_label

    metrics = list(dict.fromkeys(name for summary in summaries for name in summary.metrics))
    header = [
        "run", "iteration", "best rank-1", *map(metric_label, metrics), "steps/s", "network", "identities",
        "checkpoints", "started",
    ]  # fmt: skip
    title = f"Runs in {folder} (accuracies, shares and rank-1 in percent)"
    show_table(title, header, [_row(summary, metrics) for summary in summaries], more=_MORE)


def _row(run: Summary, metrics: Sequence[str]) -> list[str]:
    iteration = _text(run.iteration) + (f" of {run.iterations}" if run.iterations else "")
    best = f"{_percent(run.best.score)} ({run.best.subset}, at {run.best.iteration})" if run.best else "-"
    return [
        run.run, iteration, best, *(_metric(name, run.metrics.get(name)) for name in metrics),
        _number(run.steps_per_second, ".2f"), _text(run.network), _text(run.identities), str(run.checkpoints),
        _text(run.started)[:16].replace("T", " "),
    ]  # fmt: skip


def _metric(name: str, value: float | None) -> str:
    from skelgait.runs import is_fraction

    return _percent(value) if is_fraction(name) else _number(value, ".4f")


def _show_differing(differing: Mapping[str, Mapping[str, object]], names: Sequence[str]) -> None:
    """Print the settings in which runs differ: one row per setting, one column per run."""
    if not differing:
        show_lines("Settings that differ", ["none"])
        return
    rows = [[key, *(str(values.get(name, "-")) for name in names)] for key, values in differing.items()]
    show_table("Settings that differ", ("setting", *names), rows, more=_MORE)


def _text(value: object) -> str:
    return "-" if value is None else str(value)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.1f}"
