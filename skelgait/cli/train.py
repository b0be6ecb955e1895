"""`skelgait train`: a network that recognizes walks."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json


def train(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    network: options.Network = None,
    preset: options.Preset = None,
    maps: options.Maps = None,
    pairs: options.Pairs = None,
    partition: options.Partition = None,
    runs: options.Runs = None,
    run: options.Run = None,
    iterations: Annotated[int | None, options.field("train.iterations")] = None,
    seed: Annotated[int | None, options.field("train.seed")] = None,
    nproc: Annotated[int | None, options.field("train.nproc")] = None,
    device: Annotated[str | None, options.field("train.device")] = None,
    precision: Annotated[str | None, options.field("train.precision")] = None,
    keep_last: Annotated[int | None, options.field("train.keep_last")] = None,
    init: Annotated[Path | None, options.field("train.init")] = None,
    compile: Annotated[bool | None, options.field("train.compile", "--compile")] = None,  # noqa: A002 - the flag
    tensorboard: Annotated[bool | None, options.field("train.tensorboard", "--tensorboard")] = None,
    resume: Annotated[bool | None, options.field("train.resume", "--resume")] = None,
    iteration: Annotated[int | None, options.field("train.iteration")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Train SkeletonGait on maps, or SkeletonGait++ on pairs."""
    chosen = options.resolve(ctx, "train")

    from skelgait.runtime.launch import launch, launched

    if chosen.train.nproc > 1 and not launched():
        raise typer.Exit(launch(chosen.train.nproc, sys.argv[1:]))

    from skelgait.pipelines.train import train_run
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import is_main, join_processes
    from skelgait.runtime.progress import progress

    own = pick_device(chosen.train.device)
    with join_processes(own), progress(chosen.train.iterations, "Training", "steps") as advance:
        report = train_run(chosen, own, advance)
        if not is_main():
            return
    if as_json:
        show_json(asdict(report))
    else:
        show_counts(
            f"Trained {chosen.train.network.name}",
            {
                "identities": report.identities,
                "sequences": report.sequences,
                "iterations": report.iterations,
                **{name: f"{value:g}" for name, value in report.metrics.items() if name != "iteration"},
                "minutes": round(report.seconds / 60, 1),
                "checkpoint": report.checkpoint,
            },
        )
