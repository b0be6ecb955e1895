"""`skelgait embed`: embeddings of sequences, in one file."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn


def embed(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    network: options.Network = None,
    preset: options.Preset = None,
    checkpoint: Annotated[Path | None, options.field("embed.checkpoint")] = None,
    iteration: Annotated[int | None, options.field("embed.iteration")] = None,
    best: Annotated[bool | None, options.field("embed.best", "--best")] = None,
    run: options.Run = None,
    runs: options.Runs = None,
    maps: options.Maps = None,
    pairs: options.Pairs = None,
    partition: options.Partition = None,
    identities: Annotated[str | None, options.field("embed.identities")] = None,
    out: Annotated[Path | None, options.field("embed.out")] = None,
    batch_size: Annotated[int | None, options.field("embed.batch_size")] = None,
    max_frames: Annotated[int | None, options.field("embed.max_frames")] = None,
    nproc: Annotated[int | None, options.field("embed.nproc")] = None,
    device: Annotated[str | None, options.field("embed.device")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Embed sequences with a trained network, for `evaluate` and `identify`."""
    chosen = options.resolve(ctx, "embed")

    from skelgait.runtime.launch import launch, launched

    if chosen.embed.nproc > 1 and not launched():
        raise typer.Exit(launch(chosen.embed.nproc, sys.argv[1:]))

    from skelgait.pipelines.embed import embed_run
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import join_processes
    from skelgait.runtime.progress import progress

    own = pick_device(chosen.embed.device)
    with join_processes(own), progress(None, "Embedding", "sequences") as advance:
        report = embed_run(chosen, own, advance)
    if report is None:
        return
    if as_json:
        show_json(asdict(report))
        return
    show_counts(f"Embeddings of {report.network}", asdict(report))
    if report.cut:
        warn([f"{report.cut} of {report.sequences} sequences were longer than embed.max_frames and cut"])
