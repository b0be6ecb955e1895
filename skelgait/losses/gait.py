"""Weighted sum of losses, which the networks are trained on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from torch import Tensor

from skelgait.errors import SettingsError
from skelgait.losses.ranks import world_size
from skelgait.losses.registry import loss_class
from skelgait.losses.terms import Loss, Recognition

DEFAULT_LOSSES: Mapping[str, Mapping[str, Any]] = MappingProxyType({"triplet": {}, "cross_entropy": {}})
"""Losses of SkeletonGait and SkeletonGait++, with weight 1 and the default arguments of their classes."""


class LossReport(NamedTuple):
    """Loss of a batch.

    Attributes:
        total: scalar to differentiate.
        terms: scalars to log, without gradient. `<name>/loss` is the unweighted loss; other values of a loss have its
            name as prefix too, such as `triplet/active_share`.
    """

    total: Tensor
    terms: dict[str, Tensor]


class GaitLoss:
    """Weighted sum of the losses in `sections`.

    DistributedDataParallel averages gradients over the processes. A loss over all ranks therefore counts world-size
    times in `total`. All ranks must have the same number of sequences.

    Args:
        sections: arguments of each loss by its name in `LOSSES`, and its `weight` (default: 1). A loss with weight 0 is
            computed and logged, but does not train the network.

    Raises:
        SettingsError: if a loss does not accept its arguments.
    """

    def __init__(self, sections: Mapping[str, Mapping[str, Any]] = DEFAULT_LOSSES) -> None:
        self._losses = {name: _build(name, section) for name, section in sections.items()}

    def __call__(self, output: Recognition, labels: Tensor) -> LossReport:
        """Return the loss of an output for sequences with the given (N,) labels, on the CPU or the output's device."""
        weighted, terms = [], {}
        for name, (weight, loss) in self._losses.items():
            value, logged = loss(output, labels)
            weighted.append((weight * world_size() if loss.over_all_ranks else weight) * value)
            terms[f"{name}/loss"] = value.detach()
            terms.update({f"{name}/{term}": scalar for term, scalar in logged.items()})
        return LossReport(sum(weighted[1:], weighted[0]), terms)


def _build(name: str, section: Mapping[str, Any]) -> tuple[float, Loss]:
    arguments = dict(section)
    weight = arguments.pop("weight", 1.0)
    try:
        return weight, loss_class(name)(**arguments)
    except TypeError as error:
        expected = "the weight and the arguments of the loss"
        raise SettingsError(f"train.losses.{name}", str(error), expected, "correct the section") from error
