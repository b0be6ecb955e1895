"""Batch-all triplet loss, separate for each horizontal strip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from skelgait.losses.ranks import gather
from skelgait.losses.terms import LossTerms, Recognition


class TripletTerms(NamedTuple):
    """Triplet loss and statistics of S strips.

    Attributes:
        loss: (S,) mean hinge of the active triplets, which have a hinge above 0; 0 without active triplets.
        hard_loss: (S,) largest hinge.
        n_active: (S,) number of active triplets, floating point.
        active_share: (S,) share of active triplets in [0, 1]; 0 without triplets.
        mean_distance: (S,) mean distance of all pairs, including each embedding with itself.
    """

    loss: Tensor
    hard_loss: Tensor
    n_active: Tensor
    active_share: Tensor
    mean_distance: Tensor


@dataclass(frozen=True)
class TripletLoss:
    """Batch-all triplet loss on embedding 1, averaged over strips; uses the sequences of all processes.

    Attributes:
        margin: required difference between the distances of negatives and positives.
    """

    margin: float = 0.2
    over_all_ranks: ClassVar[bool] = True

    def __call__(self, output: Recognition, labels: Tensor) -> LossTerms:
        """Return the loss, and log the statistics of `TripletTerms`, averaged over strips."""
        terms = batch_all_triplet_loss(gather(output.embedding), gather(labels), self.margin)
        statistics = terms._asdict()
        return LossTerms(statistics.pop("loss").mean(), {name: value.mean() for name, value in statistics.items()})


def batch_all_triplet_loss(embedding: Tensor, labels: Tensor, margin: float) -> TripletTerms:
    """Return the mean hinge of all active triplets (anchor, positive, negative) of a batch, for each strip.

    Batch-all as in Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017.

    The hinge is max(0, margin + d(anchor, positive) - d(anchor, negative)) with Euclidean distances d. A pair of one
    identity counts in both directions, and an anchor is also its own positive, as in OpenGait. The gradient of a zero
    distance is zero. Memory: S x (pairs of the same identity) x N values, for example 8 million for 32 identities x 8
    sequences and 16 strips.

    Args:
        embedding: (N, D, S).
        labels: (N,) identities. Labels on the CPU avoid waiting for the device.
        margin: required difference between the distances of negatives and positives.
    """
    # |a|^2 + |b|^2 - 2ab would lose digits for small distances, and give d(a, a) > 0.
    rows = embedding.permute(2, 0, 1)
    distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    same_label = labels[:, None] == labels[None, :]
    anchor_of, positive_of = same_label.nonzero(as_tuple=True)
    n_triplets = (~same_label).sum(1)[anchor_of].sum()
    same, anchors, positives = (
        values.to(embedding.device, non_blocking=True) for values in (same_label, anchor_of, positive_of)
    )
    hinge = margin + distances[:, anchors, positives, None] - distances[:, anchors]  # (S, pairs, N)
    hinge = hinge.masked_fill(same[anchors], 0).relu().flatten(1)
    n_active = (hinge > 0).sum(1).to(hinge.dtype)
    return TripletTerms(
        loss=hinge.sum(1) / n_active.clamp(min=1),
        hard_loss=hinge.detach().amax(1),
        n_active=n_active,
        active_share=n_active / n_triplets.clamp(min=1).to(embedding.device, non_blocking=True),
        mean_distance=distances.detach().mean((1, 2)),
    )
