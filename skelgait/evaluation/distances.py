"""Distances between embeddings."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Metric = Literal["euclidean", "cosine"]


def distance_matrix(probes: Tensor, gallery: Tensor, metric: Metric = "euclidean") -> Tensor:
    """Distances of all probes to all gallery entries, (P, G) float32; smaller is closer.

    `euclidean`: the mean over strips of the Euclidean distance. `cosine`: 1 minus the mean over strips of the cosine.

    Args:
        probes: (P, D, S) embeddings.
        gallery: (G, D, S) embeddings.
        metric: which of the two.
    """
    probes, gallery = probes.float().permute(2, 0, 1), gallery.float().permute(2, 1, 0)
    distances = torch.zeros(probes.shape[1], gallery.shape[2], device=probes.device)
    if metric == "cosine":
        for strip, others in zip(_unit(probes, 2), _unit(gallery, 1), strict=True):
            distances.addmm_(strip, others)
        return distances.div_(-len(probes)).add_(1)
    for strip, others in zip(probes, gallery, strict=True):
        squares = strip.square().sum(1, keepdim=True) + others.square().sum(0, keepdim=True)
        # |a - b|^2 = |a|^2 + |b|^2 - 2ab, a matrix product; rounding can bring it below zero.
        distances += squares.addmm_(strip, others, alpha=-2).clamp_(min=0).sqrt_()
    return distances.div_(len(probes))


def _unit(embeddings: Tensor, axis: int) -> Tensor:
    return torch.nn.functional.normalize(embeddings, dim=axis)
