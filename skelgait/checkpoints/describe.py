"""What a checkpoint file is, which presets it fits, and what is missing in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from skelgait.checkpoints.architecture import Architecture, sizes_of
from skelgait.checkpoints.file import CheckpointFile, Kind, read_checkpoint_file
from skelgait.checkpoints.mismatch import (
    CLASSIFIER,
    WeightMismatches,
    find_mismatches,
    refuse_other_networks,
    refuse_unknown_network,
)
from skelgait.checkpoints.presets import PresetFit, fitting_presets
from skelgait.datasets import DATASETS
from skelgait.opengait.weights import to_opengait

_SETTINGS_THAT_MATTER = ("dataset", "precision", "seed")


@dataclass(frozen=True)
class WeightsReport:
    """What weights are.

    Attributes:
        architecture: the network that most of them agree on.
        untold: sizes of it that no weight tells; there, the architecture is as the settings' defaults, with 1 class.
        parameters: trained numbers of the network that are there; no statistics of batch norm.
        mismatches: weights that are not those of the network.
        presets: those that the architecture fits, and those that it fits but for the classes.
    """

    architecture: Architecture
    untold: tuple[str, ...]
    parameters: int
    mismatches: WeightMismatches
    presets: tuple[PresetFit, ...]

    @property
    def fits(self) -> bool:
        """Whether the weights are those of the network, no less and no more."""
        return not self.mismatches.names()


@dataclass(frozen=True)
class CheckpointReport:
    """What a checkpoint file is.

    Attributes:
        path: the file.
        size_bytes: its size.
        kind: of `skelgait`; of the `opengait`' pipeline; or `weights` alone.
        remarks: what is unusual about how its weights are kept.
        weights: what they are.
        iteration: optimizer steps taken; None where the file does not say.
        test_embedding: the embedding to test at, as the file or the preset that it fits says; None where neither does.
        holds: what else there is, of optimizer, schedule and loss scaling.
        resumable: whether a training can go on from it.
        version: skelgait's that wrote it; None in foreign files.
        settings: those that matter most, as far as the file tells.
        data: what it was trained on, as far as the file tells.
        next_command: what to run next; empty where the file cannot be loaded.
        hint: what to do about weights that do not fit; empty where all do.
    """

    path: Path
    size_bytes: int
    kind: Kind
    remarks: tuple[str, ...]
    weights: WeightsReport
    iteration: int | None
    test_embedding: int | None
    holds: tuple[str, ...]
    resumable: bool
    version: str | None
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    next_command: str
    hint: str


def describe_checkpoint(path: Path) -> CheckpointReport:
    """Say what a checkpoint file is, also where weights are missing, extra or of another shape.

    Raises:
        CheckpointError: the file is missing, damaged, or no checkpoint of these networks.
    """
    file = read_checkpoint_file(path)
    ours = file.ours
    refuse_unknown_network(path, ours.settings)
    weights = describe_weights(file.weights, path, ours.settings)
    settings = {name: _plain(ours.settings[name]) for name in _SETTINGS_THAT_MATTER if name in ours.settings}
    data = {str(name): _plain(value) for name, value in ours.data.items()}
    holds = _held(file)
    return CheckpointReport(
        path=path,
        size_bytes=path.stat().st_size,
        kind=file.kind,
        remarks=file.remarks,
        weights=weights,
        iteration=file.iteration,
        test_embedding=ours.test_embedding or _test_embedding_of(weights),
        holds=holds,
        resumable=file.can_be_resumed and weights.fits,
        version=ours.version,
        settings=settings,
        data=data,
        next_command=_next_command(path, weights, settings.get("dataset", data.get("dataset"))),
        hint=_hint(path, weights),
    )


def describe_weights(
    weights: Mapping[str, Tensor], path: Path, settings: Mapping[str, Any] | None = None
) -> WeightsReport:
    """Say what weights are; only their names, shapes and types are looked at.

    Args:
        weights: a state dict under OpenGait names.
        path: where they come from, for messages.
        settings: settings that the network was trained with, if known.

    Raises:
        CheckpointError: they are not those of these networks at all.
    """
    architecture, untold = sizes_of(weights, settings)
    mismatches = find_mismatches(weights, architecture, any_classes="classes" in untold)
    refuse_other_networks(path, mismatches, architecture.name)
    trained = to_opengait(dict(architecture.outline().named_parameters()))
    return WeightsReport(
        architecture=architecture,
        untold=tuple(sorted(untold)),
        parameters=sum(weights[name].numel() for name in trained if name in weights),
        mismatches=mismatches,
        presets=tuple(fitting_presets(architecture)),
    )


def _held(file: CheckpointFile) -> tuple[str, ...]:
    states = {
        "optimizer": file.optimizer,
        "scheduler": file.scheduler,
        "loss scaling": file.ours.training.get("scaler"),
    }
    return tuple(name for name, state in states.items() if state)


def _test_embedding_of(weights: WeightsReport) -> int | None:
    """What the preset of a dataset that fits says."""
    return next((preset.test_embedding for preset in weights.presets if preset.fits and preset.dataset), None)


def _next_command(path: Path, weights: WeightsReport, dataset: object) -> str:
    if not weights.fits:
        return ""
    command = f"skelgait evaluate --checkpoint {shlex.quote(str(path))}"
    of_presets = [preset.dataset for preset in weights.presets if preset.fits and preset.dataset]
    known = [dataset] if isinstance(dataset, str) and dataset in DATASETS else of_presets
    if known:
        return f"{command} --dataset {known[0]} --network {weights.architecture.name}"
    own = "--partition partition.json --gallery 'nm-*' --probes 'Bag=bg-*'"
    return f"{command} --network {weights.architecture.name} {own}"


def _hint(path: Path, weights: WeightsReport) -> str:
    names = weights.mismatches.names()
    if not names:
        return ""
    if names == list(weights.mismatches.missing) == [CLASSIFIER]:
        return f"it can begin a training as it is: skelgait train --init {shlex.quote(str(path))}"
    if names == sorted(weights.mismatches.extra):
        return "leave the extra weights out when it is saved"
    return "fetch it anew, or save the whole network"


def _plain(value: object) -> object:
    """A value as JSON has it; the name of its type where it has none, as a file may hold anything."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return f"a {type(value).__name__}"
