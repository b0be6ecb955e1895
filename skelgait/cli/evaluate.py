"""`skelgait evaluate`: who is recognized."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, show_lines, show_table, warn

if TYPE_CHECKING:
    from skelgait.reports.rows import Report


def evaluate(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    network: options.Network = None,
    preset: options.Preset = None,
    protocol: Annotated[str | None, options.field("evaluate.protocol")] = None,
    checkpoint: Annotated[Path | None, options.field("evaluate.checkpoint")] = None,
    iteration: Annotated[int | None, options.field("evaluate.iteration")] = None,
    best: Annotated[bool | None, options.field("evaluate.best", "--best")] = None,
    embeddings: Annotated[Path | None, options.field("evaluate.embeddings")] = None,
    run: options.Run = None,
    runs: options.Runs = None,
    maps: options.Maps = None,
    pairs: options.Pairs = None,
    partition: options.Partition = None,
    gallery: Annotated[list[str] | None, options.field("evaluate.gallery")] = None,
    probes: Annotated[
        list[str] | None,
        typer.Option("--probes", help="Own groups: probes of one, as Bag=bg-*; may be given again."),
    ] = None,
    distance: Annotated[str | None, options.field("evaluate.distance")] = None,
    embedding: Annotated[int | None, options.field("evaluate.embedding")] = None,
    batch_size: Annotated[int | None, options.field("evaluate.batch_size")] = None,
    nproc: Annotated[int | None, options.field("evaluate.nproc")] = None,
    device: Annotated[str | None, options.field("evaluate.device")] = None,
    rerank: Annotated[bool | None, options.field("evaluate.rerank", "--rerank")] = None,
    bootstrap_samples: Annotated[int | None, options.field("evaluate.bootstrap_samples")] = None,
    report: Annotated[Path | None, options.field("evaluate.report")] = None,
    pictures: Annotated[bool | None, options.field("evaluate.pictures", "--pictures")] = None,
    submission: Annotated[Path | None, options.field("evaluate.submission")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Recognize the test identities under the dataset's protocol, or your own."""
    chosen = options.resolve(ctx, "evaluate")

    from skelgait.runtime.launch import launch, launched

    if chosen.evaluate.nproc > 1 and not launched():
        raise typer.Exit(launch(chosen.evaluate.nproc, sys.argv[1:]))

    from skelgait.pipelines.evaluate import evaluate_run
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import join_processes
    from skelgait.runtime.progress import progress

    own = pick_device(chosen.evaluate.device)
    with join_processes(own):
        evaluation = evaluate_run(chosen, own, progress)
    if evaluation is None:
        return
    if as_json:
        show_json(evaluation.to_dict())
        return
    show_evaluation(evaluation.to_dict())
    if evaluation.folder:
        show_lines("Report", [str(evaluation.folder)])
    if chosen.evaluate.submission:
        show_counts("Ranking for the server; it holds no accuracy", {"file": chosen.evaluate.submission})


def show_evaluation(report: Report) -> None:
    """Print the tables of a report, the published metrics beside those of the first one."""
    from skelgait.reports.tables import heading_of, summary_of, tables_of

    show_lines(heading_of(report), [summary_of(report)])
    for table in tables_of(report):
        show_table(*table)
    n_cut, n_sequences = report["n_cut"], report["n_sequences"]
    notes = [f"{n_cut} of {n_sequences} sequences were longer than max_frames and cut"] if n_cut else []
    warn([*notes, *report["notes"]])
