"""Batch-all triplet loss, one horizontal strip at a time."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class TripletTerms(NamedTuple):
    """The triplet loss of each of S strips, and what else is worth watching.

    Attributes:
        loss: (S,) mean hinge of the active triplets, those above zero; 0 where none is.
        hard_loss: (S,) largest hinge.
        n_active: (S,) number of active triplets, as floating point.
        active_share: (S,) their share of all triplets in [0, 1]; 0 where there is none.
        mean_distance: (S,) mean distance of all pairs, those of an embedding with itself included.
    """

    loss: Tensor
    hard_loss: Tensor
    n_active: Tensor
    active_share: Tensor
    mean_distance: Tensor


def batch_all_triplet_loss(embedding: Tensor, labels: Tensor, margin: float) -> TripletTerms:
    """Mean over the active ones of all (anchor, positive, negative) triplets of a batch, for each strip.

    Batch-all as in Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", 2017.

    A triplet's hinge is max(0, margin + d(anchor, positive) - d(anchor, negative)) with Euclidean distances d. Every
    pair of one identity counts in both directions, and an anchor is its own positive, too, as OpenGait count. The
    gradient of a distance of zero is zero. Memory: S times the pairs of one identity times N, so 8 million numbers for
    32 identities x 8 sequences and 16 strips.

    Args:
        embedding: (N, D, S).
        labels: (N,) identities; best on the CPU, as which triplets there are is found out where they lie, and a device
            would have to be waited for.
        margin: how much farther than a positive a negative should be.
    """
    # Exact differences, not |a|^2 + |b|^2 - 2ab: an embedding is at distance 0 from itself, and near ones stay exact.
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
