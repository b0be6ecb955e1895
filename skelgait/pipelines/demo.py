"""Demo of the whole pipeline on synthetic walkers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from skelgait.checkpoints.folder import list_checkpoints
from skelgait.datasets import find_dataset
from skelgait.models import NETWORKS
from skelgait.pipelines import workspace
from skelgait.pipelines.demo_steps import DEMO_FOLDERS, DemoSteps
from skelgait.pipelines.evaluate import Evaluation, evaluate_run
from skelgait.pipelines.train import train_run
from skelgait.preprocess.maps import draw_dataset
from skelgait.preprocess.pairs import pair_sequences, write_pairs
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.settings import Settings, load_settings, preset_names
from skelgait.settings.schema import DemoSettings, SynthSettings
from skelgait.storage import open_pairs
from skelgait.storage.lock import lock_folder
from skelgait.synth import write_walkers
from skelgait.viz.contact_sheet import Strip, save_sheet

_SHEET_SEQUENCES = 4
_SIZES: dict[str, object] = {"synth.people": 36, "synth.views": 4, "synth.frames": 30}
_QUICK: dict[str, object] = {
    "synth.people": 4,
    "synth.views": 2,
    "synth.frames": 8,
    "heatmap.workers": 1,
    "train.network.channels": (8, 16, 16, 32),
    "train.network.embedding_width": 64,
    "train.iterations": 6,
    "train.save_every": 6,
    "train.log_every": 2,
    "train.optimizer.milestones": (3, 5),
    "train.sampling.identities_per_batch": 2,
    "train.sampling.sequences_per_identity": 2,
    "train.sampling.clip_len": 4,
}


@dataclass(frozen=True)
class DemoReport:
    """Result of the demo.

    Attributes:
        out: folder of all files.
        sheet: image of maps beside silhouettes.
        evaluations: evaluation of each network, by name.
        chance: expected rank-1 of a random guess, in [0, 1].
        seconds: time taken.
    """

    out: Path
    sheet: Path
    evaluations: dict[str, Evaluation]
    chance: float
    seconds: float


def run_demo(
    config: DemoSettings, progress: Progress = silent_progress, announce: Callable[[str], None] | None = None
) -> DemoReport:
    """Run the whole pipeline on synthetic walkers, on the CPU. Test identities are not used for training.

    Args:
        config: output folder, seed and size. An earlier demo in the folder is replaced, or continued with `resume`.
        progress: shows the progress of each step; default: nothing is shown.
        announce: called with the number and name of each step before it starts; default: not called.

    Raises:
        DataError: if the folder cannot be written, contains other files, or has no demo of this seed and size to
            resume.
    """
    with lock_folder(config.out):
        return _run(config, progress, announce)


def _run(config: DemoSettings, progress: Progress, announce: Callable[[str], None] | None) -> DemoReport:
    start = time.perf_counter()
    networks = {name: _settings(config, name) for name in NETWORKS if f"{name}_demo" in preset_names()}
    settings = next(iter(networks.values()))
    steps = DemoSteps(config, 4 + 2 * len(networks), announce)
    steps.run("Synthetic walkers", lambda: _write_walkers(config, settings.synth, progress))
    steps.run("Skeleton maps", lambda: _draw_maps(settings, progress))
    steps.run("Pairs of maps and silhouettes", lambda: _link(settings))
    sheet = config.out / "maps.png"
    steps.run("Contact sheet", lambda: _save_sheet(sheet, settings))
    evaluations = {}
    for name, network_settings in networks.items():
        steps.run(f"Training of {name}", partial(_train, network_settings, name, progress))
        steps.announce(f"Evaluation of {name}")
        evaluation = evaluate_run(network_settings, progress)
        if evaluation is not None:
            evaluations[name] = evaluation
    chance = 1 / len(workspace.partition_of(settings).test)
    return DemoReport(config.out, sheet, evaluations, chance, time.perf_counter() - start)


def _settings(config: DemoSettings, network: str) -> Settings:
    flags: dict[str, object] = {
        **{f"paths.{name}": config.out / name for name in DEMO_FOLDERS},
        "partition": config.out / "partition.json",
        "train.seed": config.seed,
        "train.run_name": network,
        "evaluate.device": "cpu",
        "synth.seed": config.seed,
        **(_QUICK if config.quick else _SIZES),
    }
    # Without the environment and the settings file of the user, so that the demo is the same everywhere.
    return load_settings(preset=f"{network}_demo", flags=flags, environ={}, default_file=None).settings


def _write_walkers(config: DemoSettings, synth: SynthSettings, progress: Progress) -> None:
    with progress(None, "Synthetic walkers", "sequences") as advance:
        write_walkers(config.out, find_dataset("CASIA-B"), **synth.model_dump(), advance=advance)


def _draw_maps(settings: Settings, progress: Progress) -> None:
    poses = workspace.open_poses(settings)
    with progress(len(poses.keys), "Skeleton maps", "sequences") as advance:
        draw_dataset(poses, settings.paths.maps, settings.heatmap, advance=advance)


def _link(settings: Settings) -> None:
    maps, silhouettes = workspace.open_maps(settings), workspace.open_silhouettes(settings)
    write_pairs(pair_sequences(maps, silhouettes), maps, silhouettes, settings.paths.pairs, silhouette_pattern=None)


def _save_sheet(path: Path, settings: Settings) -> None:
    pairs = open_pairs(settings.paths.pairs)
    # Different people, conditions and views.
    indices = [(i * len(pairs.keys) // _SHEET_SEQUENCES + 5 * i) % len(pairs.keys) for i in range(_SHEET_SEQUENCES)]
    save_sheet(path, [Strip(str(pairs.keys[i]), *pairs.read(pairs.keys[i])) for i in indices])


def _train(settings: Settings, network: str, progress: Progress) -> None:
    run = workspace.run_folder(settings)
    config = settings.train.model_copy(update={"resume": bool(list_checkpoints(run))})
    with progress(config.iterations, f"Training of {network}", "steps") as advance:
        train_run(settings.model_copy(update={"train": config}), torch.device("cpu"), advance)
