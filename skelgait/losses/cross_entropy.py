"""Cross entropy over all horizontal strips."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor


def cross_entropy_loss(logits: Tensor, labels: Tensor, scale: float, label_smoothing: float) -> Tensor:
    """Mean over sequences and strips of the cross entropy of scaled logits, with smoothed labels.

    Args:
        logits: (N, classes, S) cosines.
        labels: (N,) classes.
        scale: factor of the logits.
        label_smoothing: share of a label that is spread evenly over all classes.
    """
    return F.cross_entropy(logits * scale, _every_strip(logits, labels), label_smoothing=label_smoothing)


@torch.no_grad()
def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of all strips of all sequences in [0, 1] whose largest logit, (N, classes, S), is that of their label."""
    return (logits.argmax(1) == _every_strip(logits, labels)).float().mean()


def _every_strip(logits: Tensor, labels: Tensor) -> Tensor:
    return labels[:, None].expand(-1, logits.shape[2])
