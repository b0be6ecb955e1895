"""`skelgait evaluate`: who is recognised."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, show_table, warn

if TYPE_CHECKING:
    from skelgait.evaluation import EvaluationReport


def evaluate(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    network: options.Network = None,
    preset: options.Preset = None,
    protocol: Annotated[str | None, options.field("evaluate.protocol")] = None,
    checkpoint: Annotated[Path | None, options.field("evaluate.checkpoint")] = None,
    iteration: Annotated[int | None, options.field("evaluate.iteration")] = None,
    best: Annotated[bool | None, options.field("evaluate.best", "--best")] = None,
    run: options.Run = None,
    runs: options.Runs = None,
    maps: options.Maps = None,
    pairs: options.Pairs = None,
    partition: options.Partition = None,
    gallery: Annotated[list[str] | None, options.field("evaluate.gallery")] = None,
    probes: Annotated[
        list[str] | None,
        typer.Option("--probes", help="Custom protocol: a probe group, as Bag=bg-*; may be given again."),
    ] = None,
    metric: Annotated[str | None, options.field("evaluate.metric")] = None,
    embedding: Annotated[int | None, options.field("evaluate.embedding")] = None,
    batch_size: Annotated[int | None, options.field("evaluate.batch_size")] = None,
    nproc: Annotated[int | None, options.field("evaluate.nproc")] = None,
    device: Annotated[str | None, options.field("evaluate.device")] = None,
    submission: Annotated[Path | None, options.field("evaluate.submission")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Recognise the test identities under the dataset's protocol, or your own."""
    chosen = options.resolve(ctx, "evaluate")

    from skelgait.runtime.launch import launch, launched

    if chosen.evaluate.nproc > 1 and not launched():
        raise typer.Exit(launch(chosen.evaluate.nproc, sys.argv[1:]))

    from skelgait.jobs import evaluate_run
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import is_main, join_processes
    from skelgait.runtime.progress import progress

    own = pick_device(chosen.evaluate.device)
    with join_processes(own), progress(None, "Embedding", "sequences") as advance:
        report, name, tested = evaluate_run(chosen, own, advance)
        if not is_main():
            return
    if as_json:
        show_json({"network": name, "iteration": tested, **report.to_dict()})
        return
    show_evaluation(report, name)
    if chosen.evaluate.submission:
        show_counts("Ranking for the server; it holds no accuracy", {"file": chosen.evaluate.submission})


def show_evaluation(report: EvaluationReport, network: str) -> None:
    """Print a report's tables, the published figures beside those of the first one."""
    published = report.published.get(network, {})
    for number, table in enumerate(report.tables):
        names = list(table.groups[0].figures)
        beside = published if number == 0 else {}
        header = [
            "",
            *(_spelled(name) for name in names),
            *(["published"] if beside else []),
            "probes",
            "gallery",
            "no match",
        ]
        rows = []
        for group in table.groups:
            row = [group.name, *(_percent(group.figures[name]) for name in names)]
            row += [_percent(beside.get(group.name))] if beside else []
            rows.append([*row, str(group.n_probes), str(group.n_gallery), str(group.n_unmatched)])
        show_table(f"{report.protocol}: {table.title} (percent)", header, rows)
    if report.n_cut:
        warn([f"{report.n_cut} of {report.n_sequences} sequences were longer than evaluate.max_frames and cut"])


def _spelled(figure: str) -> str:
    return {"mean_ap": "mAP", "mean_inp": "mINP"}.get(figure, figure.replace("rank_", "rank-"))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
