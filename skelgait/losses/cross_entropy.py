"""Cross entropy over all horizontal strips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor

from skelgait.losses.terms import LossTerms, Recognition


@dataclass(frozen=True)
class CrossEntropyLoss:
    """Cross entropy of the logits; each process uses its own sequences.

    Attributes:
        scale: factor of the logits.
        label_smoothing: share of a label in [0, 1] that is spread evenly over all classes.
    """

    scale: float = 16.0
    label_smoothing: float = 0.1
    over_all_ranks: ClassVar[bool] = False

    def __call__(self, output: Recognition, labels: Tensor) -> LossTerms:
        """Return the cross entropy, and log the accuracy."""
        labels = labels.to(output.logits.device, non_blocking=True)
        loss = cross_entropy_loss(output.logits, labels, self.scale, self.label_smoothing)
        return LossTerms(loss, {"accuracy": accuracy(output.logits, labels)})


def cross_entropy_loss(logits: Tensor, labels: Tensor, scale: float, label_smoothing: float) -> Tensor:
    """Return the cross entropy of scaled logits with smoothed labels, averaged over sequences and strips.

    Args:
        logits: (N, classes, S) cosines.
        labels: (N,) classes.
        scale: factor of the logits.
        label_smoothing: share of a label in [0, 1] that is spread evenly over all classes.
    """
    return F.cross_entropy(logits * scale, _per_strip(logits, labels), label_smoothing=label_smoothing)


@torch.no_grad()
def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the share in [0, 1] of all strips of all sequences whose largest logit is that of the label.

    Args:
        logits: (N, classes, S).
        labels: (N,) classes.
    """
    return (logits.argmax(1) == _per_strip(logits, labels)).float().mean()


def _per_strip(logits: Tensor, labels: Tensor) -> Tensor:
    return labels[:, None].expand(-1, logits.shape[2])
