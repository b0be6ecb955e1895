"""How weights differ from those that a network has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from skelgait.checkpoints.architecture import POSSIBLE_CLASSES, Architecture
from skelgait.checkpoints.file import HINT, printable
from skelgait.errors import CheckpointError
from skelgait.models.registry import NETWORKS
from skelgait.opengait.weights import to_opengait

CLASSIFIER = "BNNecks.fc_bin"
"""OpenGait name of the one weight that depends on the number of classes: (S, D, classes)."""

Shape = tuple[int | None, ...]
"""Sizes of a weight; None for a number of classes that may be any."""


@dataclass(frozen=True)
class WeightMismatches:
    """Weights that are not those of a network, by OpenGait names.

    Attributes:
        missing: the shape expected.
        extra: the shape found.
        wrong_shape: the shape found and the shape expected.
        wrong_dtype: the type found and the kind of type expected.
        there: how many of the network's weights are there, of whatever shape and type.
    """

    missing: Mapping[str, Shape]
    extra: Mapping[str, Shape]
    wrong_shape: Mapping[str, tuple[Shape, Shape]]
    wrong_dtype: Mapping[str, tuple[str, str]]
    there: int

    def names(self) -> list[str]:
        """Names of all of them, sorted."""
        return sorted({*self.missing, *self.extra, *self.wrong_shape, *self.wrong_dtype})

    def summary(self) -> str:
        """How many there are, and the first names."""
        names = self.names()
        first = ", ".join(map(printable, names[:3]))
        return f"{len(names)} missing, extra, wrong_shape or wrong_dtype weights ({first})"


def find_mismatches(
    weights: Mapping[str, Tensor], architecture: Architecture, *, any_classes: bool = False
) -> WeightMismatches:
    """What is not as in a network of this architecture.

    Args:
        weights: a state dict under OpenGait names.
        architecture: the network's.
        any_classes: the classifier may have any number of classes.
    """
    expected = to_opengait(architecture.outline().state_dict())
    shapes: dict[str, Shape] = {name: tuple(weight.shape) for name, weight in expected.items()}
    if any_classes:
        shapes[CLASSIFIER] = (*shapes[CLASSIFIER][:-1], None)
    common = [name for name in expected if name in weights]
    return WeightMismatches(
        missing={name: shape for name, shape in shapes.items() if name not in weights},
        extra={name: tuple(weight.shape) for name, weight in weights.items() if name not in expected},
        wrong_shape={
            name: (tuple(weights[name].shape), shapes[name])
            for name in common
            if not _is_of_shape(weights[name], shapes[name])
        },
        wrong_dtype={
            name: (_type(weights[name]), "a floating point type" if expected[name].is_floating_point() else "integers")
            for name in common
            if weights[name].is_floating_point() != expected[name].is_floating_point()
        },
        there=len(common),
    )


def refuse_unknown_network(path: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose settings name a network that is not registered.

    Raises:
        CheckpointError: if the network is not in `NETWORKS`.
    """
    network = settings.get("network")
    name = network.get("name") if isinstance(network, Mapping) else None
    if isinstance(name, str) and name not in NETWORKS:
        hint = "call skelgait.models.register_network first, as the program did that trained it"
        raise CheckpointError(path, f"network {printable(name)}", " or ".join(NETWORKS), hint)


def refuse_other_networks(path: Path, mismatches: WeightMismatches, network: str) -> None:
    """Refuse weights that are not those of `network` at all.

    Raises:
        CheckpointError: less than half of its weights are there.
    """
    if mismatches.there < len(mismatches.missing):
        n_all = mismatches.there + len(mismatches.missing)
        found = f"weights of another network ({mismatches.there} of the {n_all} weights of {network} are there)"
        raise CheckpointError(path, found, f"weights of {' or '.join(NETWORKS)}", HINT)


def _is_of_shape(weight: Tensor, shape: Shape) -> bool:
    return weight.dim() == len(shape) and all(
        found in POSSIBLE_CLASSES if size is None else found == size
        for found, size in zip(weight.shape, shape, strict=True)
    )


def _type(weight: Tensor) -> str:
    return str(weight.dtype).removeprefix("torch.")
