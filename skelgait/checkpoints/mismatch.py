"""Missing, unexpected and mismatched weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from skelgait.checkpoints.architecture import ALLOWED_CLASSES, Architecture
from skelgait.checkpoints.file import HINT
from skelgait.display import printable
from skelgait.errors import CheckpointError
from skelgait.models.registry import NETWORKS
from skelgait.opengait.weights import to_opengait

CLASSIFIER = "BNNecks.fc_bin"
"""OpenGait name of the only weight that depends on the number of classes: (S, D, classes)."""

Shape = tuple[int | None, ...]
"""Shape of a weight; None: any number of classes."""


@dataclass(frozen=True)
class WeightMismatches:
    """Differences between weights and those of a network, by OpenGait name.

    Attributes:
        missing: expected shape of each missing weight.
        unexpected: shape of each weight that the network does not have.
        wrong_shape: found and expected shape.
        wrong_dtype: found type, and expected kind of type.
        n_present: number of the network's weights that are present, with any shape and type.
    """

    missing: Mapping[str, Shape]
    unexpected: Mapping[str, Shape]
    wrong_shape: Mapping[str, tuple[Shape, Shape]]
    wrong_dtype: Mapping[str, tuple[str, str]]
    n_present: int

    def names(self) -> list[str]:
        """Return the names of all mismatched weights, sorted."""
        return sorted({*self.missing, *self.unexpected, *self.wrong_shape, *self.wrong_dtype})

    def summary(self) -> str:
        """Return the number of mismatched weights and the first names, for messages."""
        names = self.names()
        first = ", ".join(map(printable, names[:3]))
        return f"{len(names)} missing, unexpected or mismatched weights ({first})"


def find_mismatches(
    weights: Mapping[str, Tensor], architecture: Architecture, *, any_classes: bool = False
) -> WeightMismatches:
    """Compare weights with those of a network.

    Args:
        weights: state dict with OpenGait names.
        architecture: architecture of the network.
        any_classes: accept a classifier with any number of classes; default: False.
    """
    expected = to_opengait(architecture.build_on_meta().state_dict())
    shapes: dict[str, Shape] = {name: tuple(weight.shape) for name, weight in expected.items()}
    if any_classes:
        shapes[CLASSIFIER] = (*shapes[CLASSIFIER][:-1], None)
    common = [name for name in expected if name in weights]
    return WeightMismatches(
        missing={name: shape for name, shape in shapes.items() if name not in weights},
        unexpected={name: tuple(weight.shape) for name, weight in weights.items() if name not in expected},
        wrong_shape={
            name: (tuple(weights[name].shape), shapes[name])
            for name in common
            if not _has_shape(weights[name], shapes[name])
        },
        wrong_dtype={
            name: (_dtype_name(weights[name]), _dtype_kind(expected[name]))
            for name in common
            if weights[name].is_floating_point() != expected[name].is_floating_point()
        },
        n_present=len(common),
    )


def check_network_is_registered(path: Path, settings: Mapping[str, Any]) -> None:
    """Check that the network in the settings of a checkpoint is registered.

    Args:
        path: checkpoint file, for error messages.
        settings: training settings in the file; may be empty.

    Raises:
        CheckpointError: if the network is not in `NETWORKS`.
    """
    network = settings.get("network")
    name = network.get("name") if isinstance(network, Mapping) else None
    if isinstance(name, str) and name not in NETWORKS:
        hint = "call skelgait.models.register_network first, as the training program did"
        raise CheckpointError(path, f"network {name}", " or ".join(NETWORKS), hint)


def check_network_matches(path: Path, mismatches: WeightMismatches, network: str) -> None:
    """Check that at least half of a network's weights are present.

    Args:
        path: checkpoint file, for error messages.
        mismatches: differences to the weights of the network.
        network: name of the network.

    Raises:
        CheckpointError: if more weights are missing than present.
    """
    if mismatches.n_present < len(mismatches.missing):
        n_all = mismatches.n_present + len(mismatches.missing)
        found = f"weights of another network ({mismatches.n_present} of the {n_all} weights of {network})"
        raise CheckpointError(path, found, f"weights of {' or '.join(NETWORKS)}", HINT)


def _has_shape(weight: Tensor, shape: Shape) -> bool:
    return weight.dim() == len(shape) and all(
        size in ALLOWED_CLASSES if expected is None else size == expected
        for size, expected in zip(weight.shape, shape, strict=True)
    )


def _dtype_name(weight: Tensor) -> str:
    return str(weight.dtype).removeprefix("torch.")


def _dtype_kind(weight: Tensor) -> str:
    return "a floating point type" if weight.is_floating_point() else "integers"
