"""Re-ranking by k-reciprocal neighbors: sequences that share neighbors with the probe move forward.

Zhong, Zheng, Cao, Li: Re-ranking Person Re-identification with k-reciprocal Encoding, CVPR 2017 (arXiv 1701.08398).

Only distances are needed, and the whole matrix is never in memory. Distances arrive in blocks: first those of all
sequences to each other, then those of the probes to the gallery. Memory holds the nearest neighbors of each sequence
and the weights of its neighbors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.matching.distances import Indices, RowBlocks, Vectors, distance_rows
from skelgait.matching.options import MatchingOptions, Reranking
from skelgait.matching.reranking_kernels import (
    Sparse,
    find_expanded,
    find_nearest,
    mean_over_nearest,
    mix_distances,
    transpose_rows,
)

# Sequences whose weights are computed at a time. Each needs the distances to its own neighbors only, some tens of
# sequences, but a source gives the distances of all these sequences to all their neighbors.
_SEQUENCES_AT_A_TIME = 64


def compare_all(values: Vectors, options: MatchingOptions | None = None) -> RowBlocks:
    """Return a source of distances between any of these embeddings, re-ranked if the options ask for it.

    Args:
        values: embeddings (N, D, S).
        options: distance, device, memory and re-ranking.
    """
    options = options or MatchingOptions()
    rows = distance_rows(values, values, options)
    return rows if options.reranking is None else partial(rerank, rows, reranking=options.reranking)


def rerank(
    rows: RowBlocks, probes: Indices, gallery: Indices, reranking: Reranking | None = None
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield re-ranked distances of probes to gallery entries, in blocks like those of `rows(probes, gallery)`.

    All sequences, probes and gallery together, are compared with each other. d[i, j] is the square of their distance,
    divided by the largest square of row i, so that it is in [0, 1]. As skelgait's distances are means over strips, d is
    the square of a mean, not a mean of squares.

    * N(i, k): the first k + 1 of the ranking of i; i itself is always the first of them.
    * R(i, k): the j in N(i, k) with i in N(j, k).
    * R*(i): R(i, k1) and, for each candidate c in it, R(c, k1 / 2) if more than 2/3 of it is in R(i, k1). Half of an
      odd k1 is rounded to the even number.
    * V[i, j]: exp(-d[i, j]) for j in R*(i), otherwise 0; divided by its sum over j. Then the mean over the first k2 of
      the ranking of i.
    * Jaccard distance: 1 - s / (2 - s), where s is the sum over l of min(V[i, l], V[j, l]).
    * Result: (1 - weight) * Jaccard + weight * d, in [0, 1] apart from rounding.

    Behavior in corner cases:

    * A sequence that is both probe and gallery entry, or repeated, takes part once, and its distance to itself is 0.
    * The distance of a sequence to itself counts as 0 and comes first, whatever the source computes. Others at equal
      distance are ranked by index. A distance that rounding made negative counts as 0.
    * With fewer sequences than k1 or k2, all of them count.
    * Without probes there are no blocks; with an empty gallery, blocks have no columns.

    Args:
        rows: source of distances, symmetric apart from rounding; its blocks are not written to.
        probes: (P,) indices of sequences in the source.
        gallery: (G,) indices of sequences in the source.
        reranking: parameters; default: those of the paper.

    Raises:
        DataError: if a distance is NaN or infinite; raised when the first block is requested.
    """
    reranking = reranking or Reranking()
    if len(probes) == 0:
        return
    sequences = np.union1d(probes, gallery)
    nearest, largest = _nearest(rows, sequences, max(reranking.k1 + 1, reranking.k2))
    weights = _weights(rows, sequences, nearest, largest, reranking.k1)
    if reranking.k2 > 1:
        weights = mean_over_nearest(weights, nearest, reranking.k2)
    probe_positions, gallery_positions = np.searchsorted(sequences, probes), np.searchsorted(sequences, gallery)
    inverted = transpose_rows(weights, gallery_positions)
    for start, block in rows(probes, gallery):
        positions = probe_positions[start : start + len(block)]
        mixed = np.zeros(block.shape, np.float32)
        mix_distances(mixed, block, weights, inverted, positions, gallery_positions, largest, reranking.weight)
        yield start, mixed


def _nearest(rows: RowBlocks, sequences: Indices, width: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the positions of the nearest of each sequence (n, width or n if fewer) and its largest distance (n,)."""
    n = len(sequences)
    nearest, largest = np.empty((n, min(width, n)), np.int32), np.empty(n, np.float32)
    for start, block in rows(sequences, sequences):
        if not np.isfinite(block.max()):
            hint = "check the embeddings for such values"
            raise DataError("distances", "NaN or infinity", "finite numbers", hint)
        block_rows = slice(start, start + len(block))
        find_nearest(nearest[block_rows], largest[block_rows], block, start)
    # If all sequences are at one point, every d is 0, whatever it is divided by.
    largest[largest == 0] = 1
    return nearest, largest


def _weights(
    rows: RowBlocks, sequences: Indices, nearest: NDArray[np.int32], largest: NDArray[np.float32], k1: int
) -> Sparse:
    """Return V, (n, n), before the mean over the nearest."""
    n, half = len(sequences), round(k1 / 2)
    counts = np.empty(n, np.int64)
    members = np.empty((_SEQUENCES_AT_A_TIME, min(n, (k1 + 1) * (half + 2))), np.int32)
    columns, values = [], []
    for start in range(0, n, _SEQUENCES_AT_A_TIME):
        chunk = slice(start, min(start + _SEQUENCES_AT_A_TIME, n))
        chunk_members, chunk_counts = members[: chunk.stop - start], counts[chunk]
        find_expanded(chunk_members, chunk_counts, nearest, start, k1, half)
        positions = np.repeat(np.arange(start, chunk.stop), chunk_counts)
        neighbors = chunk_members[np.arange(members.shape[1]) < chunk_counts[:, None]]
        exponentials = np.exp(-((_distances(rows, sequences, positions, neighbors) / largest[positions]) ** 2))
        sums = np.bincount(positions - start, exponentials)[positions - start].astype(np.float32)
        columns.append(neighbors)
        values.append(exponentials / sums)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Sparse(starts, np.concatenate(columns), np.concatenate(values))


def _distances(
    rows: RowBlocks, sequences: Indices, positions: Indices, neighbors: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the distances (pairs,) of pairs of positions; `positions` is sorted and has no gaps."""
    distances = np.empty(len(positions), np.float32)
    distinct, columns = np.unique(neighbors, return_inverse=True)
    first = positions[0]
    for start, block in rows(sequences[first : positions[-1] + 1], sequences[distinct]):
        pairs = slice(*np.searchsorted(positions, [first + start, first + start + len(block)]))
        distances[pairs] = block[positions[pairs] - first - start, columns[pairs]]
    distances[positions == neighbors] = 0
    return np.maximum(distances, 0)
