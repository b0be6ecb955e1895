"""Compiled loops of re-ranking: nearest neighbors, reciprocal neighbors, their weights, and Jaccard distances.

A "place" is the index of a sequence among all probes and gallery entries. Each place is its own nearest neighbor.

All loops are in one file, because numba recompiles cached code only if its own file changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

_loop = njit(cache=True, nogil=True, error_model="numpy")
_F32 = np.float32


class Sparse(NamedTuple):
    """A matrix of few numbers, row by row; those of row i are at `starts[i]:starts[i + 1]`.

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
    """Find the nearest of each row, itself first; of others at one distance the lower place comes first.

    Args:
        nearest: (p, width) int32, width <= n, is written to: the places, nearest first.
        largest: (p,) float32, is written to: the largest distance of the row, but for its own.
        block: (p, n) float32 distances, finite; those below 0 count as 0.
        first: place of the first row.
    """
    width = nearest.shape[1]
    distances = np.empty(width, _F32)
    distances[0] = 0  # no other goes before it
    for row in range(len(block)):
        own, n, most = first + row, 1, _F32(0)
        nearest[row, 0] = own
        for place in range(block.shape[1]):
            distance = max(block[row, place], _F32(0))
            if place == own:
                continue
            most = max(most, distance)
            if n == width and distance >= distances[n - 1]:
                continue
            n = min(n + 1, width)
            rank = n - 1
            while distance < distances[rank - 1]:
                distances[rank], nearest[row, rank] = distances[rank - 1], nearest[row, rank - 1]
                rank -= 1
            distances[rank], nearest[row, rank] = distance, place
        largest[row] = most


@_loop
def _find_reciprocal(found, nearest, place, k):  # type: ignore[no-untyped-def]
    """R(place, k): those of the first k + 1 of its ranking that have it in their first k + 1; returns how many."""
    n = 0
    for other in nearest[place, : k + 1]:
        for back in nearest[other, : k + 1]:
            if back == place:
                found[n] = other
                n += 1
                break
    return n


@_loop
def find_expanded(members, counts, nearest, first, k1, half):  # type: ignore[no-untyped-def]
    """Find R* of some places in a row: R(place, k1), and R(c, half) of those c in it that have most of theirs there.

    Args:
        members: (p, width) int32, is written to: the places; width at least the lesser of n and (k1 + 1)(half + 2).
        counts: (p,) int64, is written to: how many these are.
        nearest: (n, at least k1 + 1, or n) as of `find_nearest`, of all places.
        first: the first of the p places.
        k1: rank up to which neighbors count.
        half: the same for neighbors of neighbors.
    """
    reciprocal, close = np.empty(nearest.shape[1], np.int32), np.empty(nearest.shape[1], np.int32)
    is_reciprocal, is_member = np.zeros(len(nearest), np.bool_), np.zeros(len(nearest), np.bool_)
    for row in range(len(members)):
        n_reciprocal = _find_reciprocal(reciprocal, nearest, first + row, k1)
        is_reciprocal[reciprocal[:n_reciprocal]] = True
        n = _add_new(members[row], 0, reciprocal[:n_reciprocal], is_member)
        for candidate in reciprocal[:n_reciprocal]:
            n_close = _find_reciprocal(close, nearest, candidate, half)
            # In whole numbers: more than 2/3 of them.
            if 3 * is_reciprocal[close[:n_close]].sum() > 2 * n_close:
                n = _add_new(members[row], n, close[:n_close], is_member)
        counts[row] = n
        is_reciprocal[reciprocal[:n_reciprocal]] = False
        is_member[members[row, :n]] = False


@_loop
def _add_new(members, n, places, is_member):  # type: ignore[no-untyped-def]
    """Append to the n members those places that are none yet; returns how many members there are then."""
    for place in places:
        if not is_member[place]:
            members[n] = place
            is_member[place] = True
            n += 1
    return n


@_loop
def mean_over_nearest(weights, nearest, k2):  # type: ignore[no-untyped-def]
    """Each row's mean over the rows of the first k2 of its ranking.

    Args:
        weights: Sparse (n, n).
        nearest: (n, at least k2, or n) as of `find_nearest`.
        k2: how many, itself among them.
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
        places = nearest[row, :k2]
        own = columns[: _sum_rows(total, columns, weights, places)]
        all_columns[starts[row] : starts[row + 1]] = own
        values[starts[row] : starts[row + 1]] = total[own] / _F32(len(places))
        total[own] = 0
    return Sparse(starts, all_columns, values)


@_loop
def _sum_rows(total, columns, weights, rows):  # type: ignore[no-untyped-def]
    """Add some rows to `total` (n,), which is 0; its columns that are not then come into `columns` (n,).

    Returns how many these are.
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
    """Some rows of a matrix, column by column: Sparse (n, len(rows)), whose columns are indices into `rows`."""
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
    """Mix Jaccard and original distances of some probes to the gallery.

    Args:
        mixed: (p, G) float32, zeros, is written to.
        block: (p, G) float32 original distances.
        weights: Sparse (n, n), one row a place.
        inverted: the rows of the gallery, by `transpose_rows`.
        probes: (p,) their places.
        gallery: (G,) its places.
        largest: (n,) the largest distance of each place, above 0.
        weight: of the original distance, in [0, 1].
    """
    for row in range(len(probes)):
        own, shared = probes[row], mixed[row]
        for at in range(weights.starts[own], weights.starts[own + 1]):
            column, value = weights.columns[at], weights.values[at]
            for other in range(inverted.starts[column], inverted.starts[column + 1]):
                shared[inverted.columns[other]] += min(value, inverted.values[other])
        for index in range(len(gallery)):
            distance = _F32(0) if gallery[index] == own else max(block[row, index], _F32(0)) / largest[own]
            jaccard = 1 - shared[index] / (2 - shared[index])
            shared[index] = (1 - weight) * jaccard + weight * distance * distance
