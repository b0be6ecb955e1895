"""Description of a checkpoint file: origin, architecture, matching presets and weight mismatches."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from skelgait.checkpoints.architecture import Architecture, infer_sizes
from skelgait.checkpoints.file import CheckpointFile, Kind, read_checkpoint_file
from skelgait.checkpoints.hub import file_sha256, locate_checkpoint
from skelgait.checkpoints.mismatch import (
    CLASSIFIER,
    WeightMismatches,
    check_network_is_registered,
    check_network_matches,
    find_mismatches,
)
from skelgait.checkpoints.presets import PresetMatch, matching_presets
from skelgait.datasets import DATASETS
from skelgait.display import Row, Tabular, printable
from skelgait.errors import PathLike
from skelgait.opengait.weights import to_opengait

_SHOWN_SETTINGS = ("dataset", "precision", "seed")


@dataclass(frozen=True)
class WeightsReport:
    """Description of weights.

    Attributes:
        architecture: architecture that most weights agree on.
        unknown_sizes: attributes of the architecture that no weight gives; default settings, and 1 class.
        parameters: number of trained parameters that are present, without batch norm statistics.
        mismatches: differences to the weights of the architecture.
        presets: presets with this architecture, up to the number of classes.
    """

    architecture: Architecture
    unknown_sizes: tuple[str, ...]
    parameters: int
    mismatches: WeightMismatches
    presets: tuple[PresetMatch, ...]

    @property
    def is_loadable(self) -> bool:
        """True if the weights are exactly those of the network."""
        return not self.mismatches.names()


@dataclass(frozen=True, repr=False)
class CheckpointReport(Tabular):
    """Description of a checkpoint file.

    Attributes:
        path: the file.
        size_bytes: size of the file in bytes.
        kind: `skelgait` or `opengait` for a checkpoint of that program; `weights` for weights alone.
        remarks: unusual properties of the file that were handled.
        weights: description of the weights.
        iteration: number of optimizer steps; None: not in the file.
        test_embedding: embedding to compare in evaluation, 1 or 2, from the file or a matching preset; None: unknown.
        states: training states in the file, of "optimizer", "scheduler" and "loss scaling".
        resumable: True if training can resume from this file.
        version: version of skelgait that wrote the file; None: written by another program.
        settings: dataset, precision and seed of the training, if they are in the file.
        data: training data, if they are in the file.
        next_command: command to run next; empty if the weights cannot be loaded.
        hint: what to do about weight mismatches; empty if there are none.
        warnings: what is wrong with the values of the weights, with a hint.
        sha256: SHA-256 of the file, as hexadecimal digits.
        hub_name: name on a hub, with the commit; empty: a file of this machine.
    """

    path: Path
    size_bytes: int
    kind: Kind
    remarks: tuple[str, ...]
    weights: WeightsReport
    iteration: int | None
    test_embedding: int | None
    states: tuple[str, ...]
    resumable: bool
    version: str | None
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    next_command: str
    hint: str
    warnings: tuple[str, ...] = ()
    sha256: str = ""
    hub_name: str = ""

    def headline(self) -> str:
        """Return network and iteration."""
        iteration = "" if self.iteration is None else f", iteration {self.iteration}"
        return f"{self.path.name}: {self.weights.architecture.name}{iteration}"

    def rows(self) -> list[Row]:
        """Return one row for each property that is known."""
        properties: Row = {
            "kind": self.kind,
            "network": self.weights.architecture.name,
            "iteration": self.iteration,
            "test embedding": self.test_embedding,
            "parameters": self.weights.parameters,
            "size (bytes)": self.size_bytes,
            "SHA-256": self.sha256 or None,
            "hub": self.hub_name or None,
            "weights": self.weights.mismatches.summary() if self.weights.mismatches.names() else "complete",
            "training states": ", ".join(self.states) or None,
            "resumable": self.resumable,
            "skelgait version": self.version,
            **{f"settings.{name}": value for name, value in self.settings.items()},
            **{f"data.{name}": value for name, value in self.data.items()},
            "remarks": "; ".join(self.remarks) or None,
            "next command": self.next_command or None,
            "hint": self.hint or None,
            "warnings": "; ".join(self.warnings) or None,
        }
        return [{"name": name, "value": value} for name, value in properties.items() if value is not None]


def describe_checkpoint(path: PathLike) -> CheckpointReport:
    """Describe a checkpoint file, even if weights are missing, unexpected or of the wrong shape.

    Args:
        path: checkpoint file, or name on a hub: hf://OWNER/NAME/FILE[@REVISION].

    Raises:
        CheckpointError: if the file is missing, damaged, or not a checkpoint of a registered network.
    """
    location = locate_checkpoint(path)
    path = location.path
    file = read_checkpoint_file(path)
    extra = file.skelgait
    check_network_is_registered(path, extra.settings)
    weights = describe_weights(file.weights, path, extra.settings)
    settings = {name: _to_json(extra.settings[name]) for name in _SHOWN_SETTINGS if name in extra.settings}
    data = {str(name): _to_json(value) for name, value in extra.data.items()}
    return CheckpointReport(
        path=path,
        size_bytes=path.stat().st_size,
        kind=file.kind,
        remarks=file.remarks,
        weights=weights,
        iteration=file.iteration,
        test_embedding=extra.test_embedding or _preset_test_embedding(weights),
        states=_training_states(file),
        resumable=file.is_resumable and weights.is_loadable,
        version=extra.version,
        settings=settings,
        data=data,
        next_command=_next_command(location.label, weights, settings.get("dataset", data.get("dataset"))),
        hint=_hint(path, weights),
        warnings=_warnings(file.weights),
        sha256=file_sha256(path),
        hub_name=location.name if location.commit else "",
    )


def describe_weights(
    weights: Mapping[str, Tensor], path: Path, settings: Mapping[str, Any] | None = None
) -> WeightsReport:
    """Describe weights by their names, shapes and types.

    Args:
        weights: state dict with OpenGait names.
        path: file of the weights, for error messages.
        settings: settings that the network was trained with, if known.

    Raises:
        CheckpointError: if most weights of every registered network are missing.
    """
    architecture, unknown = infer_sizes(weights, settings)
    mismatches = find_mismatches(weights, architecture, any_classes="classes" in unknown)
    check_network_matches(path, mismatches, architecture.name)
    trained = to_opengait(dict(architecture.build_on_meta().named_parameters()))
    return WeightsReport(
        architecture=architecture,
        unknown_sizes=tuple(sorted(unknown)),
        parameters=sum(weights[name].numel() for name in trained if name in weights),
        mismatches=mismatches,
        presets=tuple(matching_presets(architecture)),
    )


def _training_states(file: CheckpointFile) -> tuple[str, ...]:
    states = {
        "optimizer": file.optimizer,
        "scheduler": file.scheduler,
        "loss scaling": file.skelgait.training.get("scaler"),
    }
    return tuple(name for name, state in states.items() if state)


def _preset_test_embedding(weights: WeightsReport) -> int | None:
    """Return the test embedding of the matching preset of a dataset; None if there is none."""
    return next((preset.test_embedding for preset in weights.presets if preset.is_exact and preset.dataset), None)


def _next_command(path: str, weights: WeightsReport, dataset: object) -> str:
    if not weights.is_loadable:
        return ""
    command = f"skelgait evaluate --checkpoint {shlex.quote(path)}"
    preset_datasets = [preset.dataset for preset in weights.presets if preset.is_exact and preset.dataset]
    datasets = [dataset] if isinstance(dataset, str) and dataset in DATASETS else preset_datasets
    if datasets:
        return f"{command} --dataset {datasets[0]} --network {weights.architecture.name}"
    flags = "--partition partition.json --gallery 'nm-*' --probes 'Bag=bg-*'"
    return f"{command} --network {weights.architecture.name} {flags}"


def _hint(path: Path, weights: WeightsReport) -> str:
    names = weights.mismatches.names()
    if not names:
        return ""
    if names == list(weights.mismatches.missing) == [CLASSIFIER]:
        return f"use it as initial weights: skelgait train --init {shlex.quote(str(path))}"
    if names == sorted(weights.mismatches.unexpected):
        return "save the file without the unexpected weights"
    return "download the file again, or save the complete network"


def weights_not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the weights that have infinite values or NaN, as after a training that diverged."""
    return [name for name, weight in weights.items() if not bool(weight.isfinite().all())]


def _warnings(weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    names = weights_not_finite(weights)
    if not names:
        return ()
    first = ", ".join(map(printable, names[:3])) + ", ..." * (len(names) > 3)
    return (
        f"{len(names)} of {len(weights)} weights have values that are not finite ({first}): the training has diverged; "
        "use an earlier checkpoint, or train with a lower train.optimizer.learning_rate",
    )


def _to_json(value: object) -> object:
    """Return a value as JSON data. A value that JSON cannot hold is replaced by the name of its type."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError):
        return f"a {type(value).__name__}"
