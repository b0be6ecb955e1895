"""The whole road on people who do not exist: walkers, maps, pairs, both networks, who is recognized."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from skelgait.datasets import find
from skelgait.errors import DataError
from skelgait.models import NETWORKS
from skelgait.pipelines import workspace
from skelgait.pipelines.evaluate import Evaluation, evaluate_run
from skelgait.pipelines.train import train_run
from skelgait.preprocess.maps import draw_dataset
from skelgait.preprocess.pairs import pair_sequences, write_pairs
from skelgait.runtime.advance import Progress
from skelgait.runtime.devices import cpu_has_bf16
from skelgait.settings import Settings, load_settings
from skelgait.storage.atomic import write_text
from skelgait.synth import write_walkers
from skelgait.viz.contact_sheet import Strip, save_sheet

_FOLDERS = ("poses", "silhouettes", "maps", "pairs", "runs")
_MARK = "demo.txt"
_PEOPLE = 36
_VIEWS = 4
_FRAMES = 30
_ON_THE_SHEET = 4


@dataclass(frozen=True)
class DemoReport:
    """What the demo came to.

    Attributes:
        out: folder of all that it wrote.
        sheet: picture of maps beside silhouettes.
        evaluations: of each network.
        chance: rank-1 of a guess.
        seconds: time taken.
    """

    out: Path
    sheet: Path
    evaluations: dict[str, Evaluation]
    chance: float
    seconds: float


def run_demo(out: Path, seed: int, progress: Progress) -> DemoReport:
    """Take synthetic walkers down the whole road; the test people are unseen in training.

    Args:
        out: folder of all that is written.
        seed: seed of the walkers and of training.
        progress: called with total, label and unit for each stretch of the road.

    Raises:
        DataError: `out` cannot be written, or holds other things than an earlier demo.
    """
    start = time.perf_counter()
    _clear(out)
    settings = {network: _settings(out, seed, network) for network in NETWORKS}
    some = settings["skeletongait"]
    with progress(None, "Walking", "sequences") as advance:
        write_walkers(
            out,
            find("CASIA-B"),
            **{**some.synth.model_dump(), "people": _PEOPLE, "views": _VIEWS, "frames": _FRAMES, "seed": seed},
            advance=advance,
        )
    _draw_and_pair(some, progress)
    sheet = out / "maps.png"
    _save_sheet(sheet, some)
    evaluations = {}
    device = torch.device("cpu")
    for network, own in settings.items():
        with progress(own.train.iterations, f"Training {network}", "steps") as advance:
            train_run(own, device, advance)
        evaluation = evaluate_run(own, device, progress)
        if evaluation is not None:
            evaluations[network] = evaluation
    n_test = len(workspace.partition_of(some).test)
    return DemoReport(out, sheet, evaluations, 1 / n_test, time.perf_counter() - start)


def _clear(out: Path) -> None:
    """Make room for what the demo writes; refuse to, where it is not an earlier demo that lies there."""
    if out.is_dir() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise DataError(out, "other files", "an empty folder, or an earlier demo", "name another folder with --out")
    write_text(out / _MARK, "Made by `skelgait demo`, which replaces all of it when it runs again.\n")
    for name in _FOLDERS:
        if (out / name).is_dir():
            shutil.rmtree(out / name)


def _settings(out: Path, seed: int, network: str) -> Settings:
    flags: dict[str, object] = {
        **{f"paths.{name}": out / name for name in _FOLDERS},
        "partition": out / "partition.json",
        "train.seed": seed,
        "train.run_name": network,
    }
    if cpu_has_bf16():
        flags["train.precision"] = "bf16"
    # The demo is the same wherever it runs: no settings of the surroundings count.
    return load_settings(preset=f"{network}_demo", flags=flags, environ={}, default_file=None).settings


def _draw_and_pair(settings: Settings, progress: Progress) -> None:
    poses = workspace.open_poses(settings)
    with progress(len(poses.keys), "Drawing maps", "sequences") as advance:
        draw_dataset(poses, settings.paths.maps, settings.heatmap, advance=advance)
    maps, silhouettes = workspace.open_maps(settings), workspace.open_silhouettes(settings)
    write_pairs(pair_sequences(maps, silhouettes), maps, silhouettes, settings.paths.pairs, silhouette_pattern=None)


def _save_sheet(path: Path, settings: Settings) -> None:
    pairs = workspace.open_inputs(settings, "skeletongait++")
    chosen = [pairs.keys[i * len(pairs.keys) // _ON_THE_SHEET + 5 * i] for i in range(_ON_THE_SHEET)]
    save_sheet(path, [Strip(str(key), *pairs.read(key)) for key in chosen])
