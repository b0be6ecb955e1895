"""`skelgait synth`: a dataset of synthetic walkers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.output import show_counts, show_json

if TYPE_CHECKING:
    from skelgait.settings import Settings

_Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write: poses/, silhouettes/ and partition.json.")]


@command(
    "skelgait synth synthetic --people 20 --views 6",
    "skelgait synth synthetic --dataset SUSTech1K --noise-px 0 --lost 0",
    flags={
        DATA: ("dataset", "wait"),
        "Walks": ("synth.people", "synth.views", "synth.repeats", "synth.frames", "synth.seed"),
        "Pose estimation": ("synth.noise_px", "synth.lost"),
    },
)
def synth(out: _Out, settings: Settings, as_json: Json = False) -> None:
    """Write synthetic walkers in the layout of a dataset.

    The default is the layout of CASIA-B.
    """
    from skelgait.datasets import find_dataset
    from skelgait.runtime.progress import progress
    from skelgait.synth import write_walkers

    dataset = find_dataset(settings.dataset or "CASIA-B")
    with progress(None, "Walking", "sequences") as advance:
        report = write_walkers(out, dataset, **settings.synth.model_dump(), advance=advance)
    counts = {"people": report.people, "sequences": report.sequences, "frames": report.frames}
    if as_json:
        show_json({"out": out, **counts})
    else:
        show_counts(f"Synthetic walkers in {out}", {**counts, "seconds": round(report.seconds, 1)})
