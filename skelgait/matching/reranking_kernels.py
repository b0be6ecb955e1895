"""Compiled loops of re-ranking: nearest and reciprocal neighbors, their weights, and mixed distances.

Sequences are given by their position among all n sequences that take part. A sequence is always its own nearest.

All loops are in one file: numba keeps the compiled code until the file changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

_loop = njit(cache=True, nogil=True, error_model="numpy")
_F32 = np.float32


class Sparse(NamedTuple):
    """Sparse matrix in CSR format: the numbers of row i are at `starts[i]:starts[i + 1]`.

    Attributes:
        starts: (rows + 1,) int64.
        columns: (numbers,) int32, no column twice in a row.
        values: (numbers,) float32, all above 0.
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]


@_loop
def find_nearest(nearest, largest, block, first):  # type: ignore[no-untyped-def]
    """Find the nearest sequences of each row, the row's own sequence first; ties rank by position.

    Args:
        nearest: (p, width) int32 output, width <= n: positions, nearest first.
        largest: (p,) float32 output: largest distance of the row, without its own.
        block: (p, n) float32 distances, finite; negative ones count as 0.
        first: position of the first row.
    """
    width = nearest.shape[1]
    distances = np.empty(width, _F32)
    distances[0] = 0  # the sequence itself stays first
    for row in range(len(block)):
        itself, n, farthest = first + row, 1, _F32(0)
        nearest[row, 0] = itself
        for position in range(block.shape[1]):
            distance = max(block[row, position], _F32(0))
            if position == itself:
                continue
            farthest = max(farthest, distance)
            if n == width and distance >= distances[n - 1]:
                continue
            n = min(n + 1, width)
            rank = n - 1
            while distance < distances[rank - 1]:
                distances[rank], nearest[row, rank] = distances[rank - 1], nearest[row, rank - 1]
                rank -= 1
            distances[rank], nearest[row, rank] = distance, position
        largest[row] = farthest


@_loop
def _find_reciprocal(output, nearest, position, k):  # type: ignore[no-untyped-def]
    """Write R(position, k): the first k + 1 of its ranking that have it in their first k + 1. Return their number."""
    n = 0
    for other in nearest[position, : k + 1]:
        for back in nearest[other, : k + 1]:
            if back == position:
                output[n] = other
                n += 1
                break
    return n


@_loop
def find_expanded(members, counts, nearest, first, k1, half):  # type: ignore[no-untyped-def]
    """Find R* of p consecutive positions, see `skelgait.matching.reranking.rerank`.

    Args:
        members: (p, width) int32 output: positions in R*; width is at least min(n, (k1 + 1) (half + 2)).
        counts: (p,) int64 output: size of R*.
        nearest: (n, at least k1 + 1, or n) positions from `find_nearest`, of all sequences.
        first: first of the p positions.
        k1: number of neighbors.
        half: number of neighbors of a candidate.
    """
    reciprocal, close = np.empty(nearest.shape[1], np.int32), np.empty(nearest.shape[1], np.int32)
    is_reciprocal, is_member = np.zeros(len(nearest), np.bool_), np.zeros(len(nearest), np.bool_)
    for row in range(len(members)):
        n_reciprocal = _find_reciprocal(reciprocal, nearest, first + row, k1)
        is_reciprocal[reciprocal[:n_reciprocal]] = True
        n = _add_new(members[row], 0, reciprocal[:n_reciprocal], is_member)
        for candidate in reciprocal[:n_reciprocal]:
            n_close = _find_reciprocal(close, nearest, candidate, half)
            # More than 2/3 of them, in integers.
            if 3 * is_reciprocal[close[:n_close]].sum() > 2 * n_close:
                n = _add_new(members[row], n, close[:n_close], is_member)
        counts[row] = n
        is_reciprocal[reciprocal[:n_reciprocal]] = False
        is_member[members[row, :n]] = False


@_loop
def _add_new(members, n, positions, is_member):  # type: ignore[no-untyped-def]
    """Append the positions that are not yet members to the first n members. Return the new number of members."""
    for position in positions:
        if not is_member[position]:
            members[n] = position
            is_member[position] = True
            n += 1
    return n


@_loop
def mean_over_nearest(weights, nearest, k2):  # type: ignore[no-untyped-def]
    """Return the matrix in which each row is the mean over the rows of the first k2 of its ranking.

    Args:
        weights: Sparse (n, n).
        nearest: (n, at least k2, or n) positions from `find_nearest`.
        k2: number of rows, including the row itself.
    """
    n = len(nearest)
    total, columns = np.zeros(n, _F32), np.empty(n, np.int32)
    starts = np.zeros(n + 1, np.int64)
    for row in range(n):
        n_columns = _sum_rows(total, columns, weights, nearest[row, :k2])
        total[columns[:n_columns]] = 0
        starts[row + 1] = starts[row] + n_columns
    all_columns, values = np.empty(starts[n], np.int32), np.empty(starts[n], _F32)
    for row in range(n):
        positions = nearest[row, :k2]
        row_columns = columns[: _sum_rows(total, columns, weights, positions)]
        all_columns[starts[row] : starts[row + 1]] = row_columns
        values[starts[row] : starts[row + 1]] = total[row_columns] / _F32(len(positions))
        total[row_columns] = 0
    return Sparse(starts, all_columns, values)


@_loop
def _sum_rows(total, columns, weights, rows):  # type: ignore[no-untyped-def]
    """Add rows to `total` (n,), which is 0 at first. Write the columns that are not 0 to `columns` (n,).

    Return the number of these columns.
    """
    n = 0
    for row in rows:
        for at in range(weights.starts[row], weights.starts[row + 1]):
            column = weights.columns[at]
            if total[column] == 0:
                columns[n] = column
                n += 1
            total[column] += weights.values[at]
    return n


@_loop
def transpose_rows(weights, rows):  # type: ignore[no-untyped-def]
    """Return the transpose of some rows: Sparse (n, len(rows)); its columns are indices into `rows`."""
    n = len(weights.starts) - 1
    starts = np.zeros(n + 1, np.int64)
    for row in rows:
        for at in range(weights.starts[row], weights.starts[row + 1]):
            starts[weights.columns[at] + 1] += 1
    starts = np.cumsum(starts)
    ends = starts[:-1].copy()
    columns, values = np.empty(starts[n], np.int32), np.empty(starts[n], _F32)
    for index in range(len(rows)):
        row = rows[index]
        for at in range(weights.starts[row], weights.starts[row + 1]):
            to = ends[weights.columns[at]]
            columns[to], values[to] = index, weights.values[at]
            ends[weights.columns[at]] += 1
    return Sparse(starts, columns, values)


@_loop
def mix_distances(mixed, block, weights, inverted, probes, gallery, largest, weight):  # type: ignore[no-untyped-def]
    """Mix the Jaccard and the original distances of p probes to the gallery.

    Args:
        mixed: (p, G) float32 output, zeros at first.
        block: (p, G) float32 original distances.
        weights: Sparse (n, n).
        inverted: rows of the gallery, from `transpose_rows`.
        probes: (p,) positions of the probes.
        gallery: (G,) positions of the gallery entries.
        largest: (n,) largest distance of each sequence, above 0.
        weight: weight of the original distance, in [0, 1].
    """
    for row in range(len(probes)):
        probe, shared = probes[row], mixed[row]
        for at in range(weights.starts[probe], weights.starts[probe + 1]):
            column, value = weights.columns[at], weights.values[at]
            for other in range(inverted.starts[column], inverted.starts[column + 1]):
                shared[inverted.columns[other]] += min(value, inverted.values[other])
        for index in range(len(gallery)):
            distance = _F32(0) if gallery[index] == probe else max(block[row, index], _F32(0)) / largest[probe]
            jaccard = 1 - shared[index] / (2 - shared[index])
            shared[index] = (1 - weight) * jaccard + weight * distance * distance
