"""`skelgait train`: training of a network."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, warn
from skelgait.cli.processes import processes_on

if TYPE_CHECKING:
    from skelgait.settings import Resolved


@command(
    "skelgait train --dataset SUSTech1K --network skeletongait++",
    "skelgait train --dataset CCPG --resume --iterations 80000",
    flags={
        DATA: ("dataset", "paths.maps", "paths.pairs", "partition", "paths.runs", "train.run_name", "wait"),
        "Training": (
            "train.network.name", "preset", "train.iterations", "train.seed", "train.init", "train.resume",
            "train.iteration", "train.allow_changes", "train.val_share", "train.eval_during_training",
            "train.keep_last", "train.tensorboard",
        ),
        COMPUTE: ("train.device", "train.nproc", "train.precision", "train.compile"),
    },
)  # fmt: skip
def train(resolved: Resolved, as_json: Json = False) -> None:
    """Train SkeletonGait on maps, or SkeletonGait++ on pairs."""
    from skelgait.pipelines.train import train_run, training_settings
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.progress import progress

    run_settings = training_settings(resolved)
    warn(run_settings.warnings[len(resolved.warnings) :], at_most=None)
    settings = run_settings.settings
    config = settings.train
    bar = progress(config.iterations, "Training", "steps")
    with processes_on(config.device, config.nproc) as group, bar as advance:
        report = train_run(settings, pick_device(config.device), advance)
        if group.rank:
            return
    if as_json:
        show_json(asdict(report))
        return
    show_counts(
        f"Trained {config.network.name}",
        {
            "identities": report.identities,
            "sequences": report.sequences,
            "iterations": report.iterations,
            **{name: f"{value:g}" for name, value in report.metrics.items() if name != "iteration"},
            "minutes": round(report.seconds / 60, 1),
            "checkpoint": report.checkpoint,
            **({"training people missing on disk": report.missing.number} if report.missing else {}),
        },
    )
