"""`skelgait synth`: people who do not exist, as a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json


def synth(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder that gets poses/, silhouettes/ and partition.json.")],
    dataset: options.Dataset = None,
    people: Annotated[int | None, options.field("synth.people")] = None,
    views: Annotated[int | None, options.field("synth.views")] = None,
    repeats: Annotated[int | None, options.field("synth.repeats")] = None,
    frames: Annotated[int | None, options.field("synth.frames")] = None,
    noise_px: Annotated[float | None, options.field("synth.noise_px")] = None,
    lost: Annotated[float | None, options.field("synth.lost")] = None,
    seed: Annotated[int | None, options.field("synth.seed")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Write a dataset of synthetic walkers, in the layout of a dataset (CASIA-B's where none is given)."""
    chosen = options.resolve(ctx, "synth")

    from skelgait.datasets import find
    from skelgait.runtime.progress import progress
    from skelgait.synth import write_walkers

    with progress(None, "Walking", "sequences") as advance:
        report = write_walkers(out, find(chosen.dataset or "CASIA-B"), **chosen.synth.model_dump(), advance=advance)
    counts = {"people": report.people, "sequences": report.sequences, "frames": report.frames}
    if as_json:
        show_json({"out": out, **counts})
    else:
        show_counts(f"Synthetic walkers in {out}", {**counts, "seconds": round(report.seconds, 1)})
