"""The loss that SkeletonGait trains on: triplet loss and cross entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from skelgait.losses.cross_entropy import accuracy, cross_entropy_loss
from skelgait.losses.ranks import gather, world_size
from skelgait.losses.triplet import batch_all_triplet_loss


class Recognition(Protocol):
    """What a network gives and a loss takes."""

    @property
    def embedding(self) -> Tensor:
        """(N, D, S), before the batch norm neck."""
        ...

    @property
    def logits(self) -> Tensor:
        """(N, classes, S)."""
        ...


class LossReport(NamedTuple):
    """The loss of a batch.

    Attributes:
        total: what to differentiate, a scalar.
        terms: scalars to log, without gradient: each loss unweighted, and what else is worth watching.
    """

    total: Tensor
    terms: dict[str, Tensor]


@dataclass(frozen=True)
class GaitLoss:
    """Weighted sum of batch-all triplet loss on embedding 1 and cross entropy on the logits.

    In several processes the triplet loss sees the embeddings of all ranks, and counts as many times as there are ranks
    in `total`, since DistributedDataParallel averages gradients; cross entropy is that of the own rank's batch.
    All ranks must have equally many sequences.
    """

    triplet_weight: float = 1.0
    margin: float = 0.2
    cross_entropy_weight: float = 1.0
    scale: float = 16.0
    label_smoothing: float = 0.1

    def __call__(self, output: Recognition, labels: Tensor) -> LossReport:
        """The loss of an output for sequences with the given (N,) labels, on the CPU or the output's device."""
        triplet = batch_all_triplet_loss(gather(output.embedding), gather(labels), self.margin)
        triplet_loss = triplet.loss.mean()
        labels = labels.to(output.logits.device, non_blocking=True)
        cross_entropy = cross_entropy_loss(output.logits, labels, self.scale, self.label_smoothing)
        total = self.triplet_weight * world_size() * triplet_loss + self.cross_entropy_weight * cross_entropy
        terms = {
            "triplet/loss": triplet_loss.detach(),
            "triplet/hard_loss": triplet.hard_loss.mean(),
            "triplet/n_active": triplet.n_active.mean(),
            "triplet/active_share": triplet.active_share.mean(),
            "triplet/mean_distance": triplet.mean_distance.mean(),
            "cross_entropy/loss": cross_entropy.detach(),
            "cross_entropy/accuracy": accuracy(output.logits, labels),
        }
        return LossReport(total, terms)
