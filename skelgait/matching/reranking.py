"""Re-ranking by k-reciprocal neighbors: what has the same neighbors as the probe comes nearer.

Zhong, Zheng, Cao, Li: Re-ranking Person Re-identification with k-reciprocal Encoding, CVPR 2017 (arXiv 1701.08398).

Only distances are needed, and they are never all in memory at once: they pass by in blocks, first those of all
sequences to each other, then those of the probes to the gallery. Kept are the nearest of each sequence and the weights
of its neighbors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.matching.distances import RowBlocks
from skelgait.matching.reranking_kernels import (
    Sparse,
    find_expanded,
    find_nearest,
    mean_over_nearest,
    mix_distances,
    transpose_rows,
)

# Sequences whose weights are computed at a time. Each asks for its own neighbors only, some tens of sequences, but a
# source gives the distances of all these sequences to all their neighbors: the more at once, the more in vain.
_AT_A_TIME = 64


@dataclass(frozen=True)
class Reranking:
    """How to re-rank.

    Attributes:
        k1: rank up to which two sequences must be in each other's ranking to be neighbors; at least 1 (section 3.2).
        k2: each sequence takes the mean of the weights of its k2 nearest, itself among them; 1 for none of this, at
            least 1 (section 3.4).
        weight: of the original distance in the final one, in [0, 1]; the paper's lambda (section 3.5).

    Raises:
        SettingsError: a value is out of its range.
    """

    k1: int = 20
    k2: int = 6
    weight: float = 0.3

    def __post_init__(self) -> None:
        for name, k in (("k1", self.k1), ("k2", self.k2)):
            if k < 1:
                raise SettingsError(name, str(k), "at least 1", "give a larger number")
        if not 0 <= self.weight <= 1:
            raise SettingsError("weight", str(self.weight), "a number from 0 to 1", "give one of these")


def rerank(
    rows: RowBlocks,
    probes: NDArray[np.int64],
    gallery: NDArray[np.int64],
    *,
    k1: int = Reranking.k1,
    k2: int = Reranking.k2,
    weight: float = Reranking.weight,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Re-ranked distances of probes to gallery, in blocks like those of `rows(probes, gallery)`.

    All sequences, probes and gallery together, are compared with each other. d[i, j] is the square of their distance as
    the source gives it, divided by the largest square of row i, so that it is in [0, 1]. As skelgait's distances are
    means over strips, d is the square of a mean, not a mean of squares.

    * N(i, k): the first k + 1 of i's ranking, i itself always the first of them.
    * R(i, k): the j in N(i, k) with i in N(j, k).
    * R*(i): R(i, k1), and for each candidate c in it also R(c, k1 / 2), if more than 2/3 of this is in R(i, k1). Half
      of an odd k1 is rounded to the even number.
    * V[i, j]: exp(-d[i, j]) for j in R*(i), otherwise 0; divided by its sum over j. Then its mean over the first k2 of
      i's ranking.
    * Jaccard distance: 1 - s / (2 - s), where s is the sum over l of min(V[i, l], V[j, l]).
    * Result: (1 - weight) * Jaccard + weight * d, in [0, 1] but for rounding.

    Behavior in corner cases:

    * A sequence that is probe and gallery, or several times either, takes part once, and its distance to itself is 0.
    * The distance of a sequence to itself is taken as 0 and comes first, whatever the source computes; others at one
      distance are ranked by their index. A distance that rounding brought below 0 counts as 0.
    * Where there are fewer sequences than k1 or k2, all count.
    * No probes give no blocks, an empty gallery blocks of no columns.

    Args:
        rows: source of distances, the same in both directions but for rounding; its blocks are not written to.
        probes: (P,) indices, as the source knows them.
        gallery: (G,) indices.
        k1: as of `Reranking`.
        k2: as of `Reranking`.
        weight: as of `Reranking`.

    Raises:
        SettingsError: k1, k2 or weight is out of its range.
        DataError: a distance is NaN or infinite; raised as the first block is asked for.
    """
    return _rerank(rows, probes, gallery, Reranking(k1, k2, weight))


def _rerank(
    rows: RowBlocks, probes: NDArray[np.int64], gallery: NDArray[np.int64], how: Reranking
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    if len(probes) == 0:
        return
    everything = np.union1d(probes, gallery)
    nearest, largest = _nearest(rows, everything, max(how.k1 + 1, how.k2))
    weights = _weights(rows, everything, nearest, largest, how.k1)
    if how.k2 > 1:
        weights = mean_over_nearest(weights, nearest, how.k2)
    probe_places, gallery_places = np.searchsorted(everything, probes), np.searchsorted(everything, gallery)
    inverted = transpose_rows(weights, gallery_places)
    for start, block in rows(probes, gallery):
        own = probe_places[start : start + len(block)]
        mixed = np.zeros(block.shape, np.float32)
        mix_distances(mixed, block, weights, inverted, own, gallery_places, largest, how.weight)
        yield start, mixed


def _nearest(
    rows: RowBlocks, everything: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Places of the nearest of each sequence, (n, width), and its largest distance (n,); width is n at most."""
    n = len(everything)
    nearest, largest = np.empty((n, min(width, n)), np.int32), np.empty(n, np.float32)
    for start, block in rows(everything, everything):
        if not np.isfinite(block.max()):
            raise DataError("distances", "NaN or infinity", "finite numbers", "look for such values in the embeddings")
        own = slice(start, start + len(block))
        find_nearest(nearest[own], largest[own], block, start)
    # Where all are in one point, every d is 0, whatever it is divided by.
    largest[largest == 0] = 1
    return nearest, largest


def _weights(
    rows: RowBlocks,
    everything: NDArray[np.int64],
    nearest: NDArray[np.int32],
    largest: NDArray[np.float32],
    k1: int,
) -> Sparse:
    """V, (n, n), before its mean over the nearest."""
    n, half = len(everything), round(k1 / 2)
    counts = np.empty(n, np.int64)
    members = np.empty((_AT_A_TIME, min(n, (k1 + 1) * (half + 2))), np.int32)
    columns, values = [], []
    for start in range(0, n, _AT_A_TIME):
        own = slice(start, min(start + _AT_A_TIME, n))
        own_members, own_counts = members[: own.stop - start], counts[own]
        find_expanded(own_members, own_counts, nearest, start, k1, half)
        of = np.repeat(np.arange(start, own.stop), own_counts)
        neighbors = own_members[np.arange(members.shape[1]) < own_counts[:, None]]
        exponentials = np.exp(-((_distances(rows, everything, of, neighbors) / largest[of]) ** 2))
        columns.append(neighbors)
        values.append(exponentials / np.bincount(of - start, exponentials)[of - start].astype(np.float32))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Sparse(starts, np.concatenate(columns), np.concatenate(values))


def _distances(
    rows: RowBlocks, everything: NDArray[np.int64], of: NDArray[np.int64], to: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Distances of pairs of places, (pairs,); `of` is sorted and leaves out none between its first and last."""
    found = np.empty(len(of), np.float32)
    asked, columns = np.unique(to, return_inverse=True)
    first = of[0]
    for start, block in rows(everything[first : of[-1] + 1], everything[asked]):
        some = slice(*np.searchsorted(of, [first + start, first + start + len(block)]))
        found[some] = block[of[some] - first - start, columns[some]]
    found[of == to] = 0
    return np.maximum(found, 0)


def reranked(rows: RowBlocks, how: Reranking) -> RowBlocks:
    """A source of re-ranked distances."""
    return partial(rerank, rows, k1=how.k1, k2=how.k2, weight=how.weight)
