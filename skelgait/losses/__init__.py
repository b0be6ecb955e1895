"""Losses: batch-all triplet loss, cross entropy, their weighted sum and a registry.

The classes are imported on first use, so that the registry is available without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skelgait import _lazy
from skelgait.losses.registry import LOSSES, loss_class, register_loss

if TYPE_CHECKING:
    from skelgait.losses.cross_entropy import CrossEntropyLoss, accuracy, cross_entropy_loss
    from skelgait.losses.gait import GaitLoss, LossReport
    from skelgait.losses.terms import Loss, LossTerms
    from skelgait.losses.triplet import TripletLoss, TripletTerms, batch_all_triplet_loss

__all__ = [
    "LOSSES",
    "CrossEntropyLoss",
    "GaitLoss",
    "Loss",
    "LossReport",
    "LossTerms",
    "TripletLoss",
    "TripletTerms",
    "accuracy",
    "batch_all_triplet_loss",
    "cross_entropy_loss",
    "loss_class",
    "register_loss",
]

# Hidden from type checkers: they would accept any name, even a misspelled one.
if not TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "CrossEntropyLoss": "cross_entropy",
            "GaitLoss": "gait",
            "Loss": "terms",
            "LossReport": "gait",
            "LossTerms": "terms",
            "TripletLoss": "triplet",
            "TripletTerms": "triplet",
            "accuracy": "cross_entropy",
            "batch_all_triplet_loss": "triplet",
            "cross_entropy_loss": "cross_entropy",
        },
    )
