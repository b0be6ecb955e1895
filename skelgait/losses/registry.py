"""Registry of losses by name. Importing it does not import torch.

To add a loss, write a module with a class as described in `skelgait.losses.Loss`, and add one line to `LOSSES`. A
program that uses skelgait calls `register_loss` instead. Its section in the settings has the weight of the loss and the
arguments of its class, and switches it on:

    train:
      losses:
        center: {weight: 0.1, radius: 2.0}

`metrics.jsonl` and `skelgait runs` then show `center/loss`, and the other values that the loss gives to log.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from skelgait.losses.terms import Loss

LOSSES: dict[str, str | Callable[..., Loss]] = {
    "triplet": "skelgait.losses.triplet:TripletLoss",
    "cross_entropy": "skelgait.losses.cross_entropy:CrossEntropyLoss",
}
"""Class of each loss, or its "module:class" path, which is imported on first use."""


def register_loss(name: str, loss: str | Callable[..., Loss]) -> None:
    """Add a loss under `name`, or replace the one that has this name.

    Args:
        name: name of its section in `train.losses`, and the prefix of its logged values.
        loss: class or function that returns a `Loss`, or its path "module:class".
    """
    LOSSES[name] = loss


def loss_class(name: str) -> Callable[..., Loss]:
    """Return the class of a loss.

    Args:
        name: key of `LOSSES`.
    """
    loss = LOSSES[name]
    if isinstance(loss, str):
        module, _, attribute = loss.partition(":")
        return cast("Callable[..., Loss]", getattr(import_module(module), attribute))
    return loss
