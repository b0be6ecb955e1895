"""How well each probe finds its true matches, from distances alone.

>>> import torch
>>> distances = torch.tensor([[0.1, 0.2, 0.3, 0.4]])
>>> is_match = torch.tensor([[False, True, False, True]])
>>> first_match_rank(distances, is_match)
tensor([2])
>>> precision = average_precision(distances, is_match)
>>> precision.ap, precision.inp
(tensor([0.5000], dtype=torch.float64), tensor([0.5000], dtype=torch.float64))
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Precision(NamedTuple):
    """Of each probe, in (0, 1]; NaN where it has no true match.

    Attributes:
        ap: (P,) average precision: the mean, over its true matches, of (true matches up to it) / (its rank).
        inp: (P,) inverse negative penalty: (true matches) / (rank of the last one).
    """

    ap: Tensor
    inp: Tensor


def first_match_rank(distances: Tensor, is_match: Tensor) -> Tensor:
    """(P,) rank of the nearest true match, from 1; 0 where a probe has none.

    A probe counts for rank-k, the cumulative matching characteristic, if 1 <= this <= k. Of gallery entries at exactly
    the same distance the true match comes first.

    Args:
        distances: (P, G); infinite for gallery entries that are left out.
        is_match: (P, G), True for the same identity; False for gallery entries that are left out.
    """
    if not distances.shape[1]:
        return torch.zeros(len(distances), dtype=torch.int64, device=distances.device)
    nearest = distances.masked_fill(~is_match, torch.inf).amin(1, keepdim=True)
    rank = (distances < nearest).sum(1) + 1
    return rank.where(is_match.any(1), 0)


def average_precision(distances: Tensor, is_match: Tensor) -> Precision:
    """Average precision and inverse negative penalty of each probe.

    Args:
        distances: (P, G); infinite for gallery entries that are left out.
        is_match: (P, G), True for the same identity; False for gallery entries that are left out.
    """
    sorted_matches = is_match.gather(1, distances.argsort(dim=1, stable=True)).double()
    ranks = torch.arange(1, distances.shape[1] + 1, device=distances.device, dtype=torch.float64)
    found, n_matches = sorted_matches.cumsum(1), sorted_matches.sum(1)
    last = (sorted_matches * ranks).amax(1) if distances.shape[1] else n_matches
    ap = (found / ranks * sorted_matches).sum(1) / n_matches
    return Precision(ap, n_matches / last)
