"""Compiled loops over distances, on all cores of the CPU.

All of them are in one file: numba keeps the compiled code until the file changes.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_exactly = njit(cache=True, parallel=True, error_model="numpy")


@njit(cache=True, nogil=True, error_model="numpy")
def _count_before(row: Floats, position: int, begin: int, end: int) -> int:
    """Return the number of entries in `begin:end` that rank before the one at `position`; ties rank by position."""
    distance = row[position]
    earlier, later = row[begin:position], row[position + 1 : end]
    # Integers of 32 bits, like the distances, and indices that cannot be negative: the compiler vectorizes the loop.
    count = np.uint32(0)
    for j in range(len(earlier)):
        count = np.uint32(count + np.uint32(earlier[j] <= distance))
    for j in range(len(later)):
        count = np.uint32(count + np.uint32(later[j] < distance))
    return int(count)


@_exactly
def rank_true_matches(
    distances: Floats,
    order: Integers,
    bounds: Integers,
    starts: Integers,
    matches: Integers,
    excluded_starts: Integers,
    excluded: Integers,
    all_matches: bool,
    first: NDArray[np.int32],
    ap: Floats,
    inp: Floats,
) -> None:
    """Rank the true matches of each probe among the gallery entries of each view.

    Results are written only for probes and views with a true match.

    Args:
        distances: (p, g).
        order: (g,) columns sorted by view; empty for one view: columns in their own order.
        bounds: (n + 1,) begin of each of n views in `order`, and the end of the last.
        starts: (p + 1,) begin of the true matches of each probe in `matches`.
        matches: (m,) positions in `order` of the true matches of all probes, ascending for each probe.
        excluded_starts: (p + 1,) begin of the excluded matches of each probe in `excluded`.
        excluded: (l,) positions in `order` of the excluded matches, ascending for each probe.
        all_matches: True: rank all true matches, for `ap` and `inp`; False: only the nearest one.
        first: (p, n) output: rank of the nearest match, from 1.
        ap: (p, n) output: average precision.
        inp: (p, n) output: inverse negative penalty.
    """
    for i in prange(len(distances)):
        row = distances[i]
        if len(order):
            row = np.empty(len(order), np.float32)
            for j in range(len(order)):
                row[j] = distances[i, order[j]]
        probe_excluded = excluded[excluded_starts[i] : excluded_starts[i + 1]]
        probe_matches = matches[starts[i] : starts[i + 1]].copy()
        begin = 0
        for v in range(len(bounds) - 1):
            end = begin
            while end < len(probe_matches) and probe_matches[end] < bounds[v + 1]:
                end += 1
            if begin == end:
                continue
            # Insertion sort by distance. It is stable, so that ties stay in the order of positions.
            for k in range(begin + 1, end):
                position, at = probe_matches[k], k
                while at > begin and row[probe_matches[at - 1]] > row[position]:
                    probe_matches[at] = probe_matches[at - 1]
                    at -= 1
                probe_matches[at] = position
            n_matches = end - begin if all_matches else 1
            precision, rank = 0.0, 0
            for k in range(n_matches):
                position = probe_matches[begin + k]
                rank = 1 + _count_before(row, position, bounds[v], bounds[v + 1])
                for other in probe_excluded:
                    if bounds[v] <= other < bounds[v + 1] and (
                        row[other] < row[position] or (row[other] == row[position] and other < position)
                    ):
                        rank -= 1
                if k == 0:
                    first[i, v] = rank
                precision += (k + 1) / rank
            ap[i, v] = precision / n_matches
            inp[i, v] = n_matches / rank
            begin = end


@_exactly
def keep_nearest(
    distances: Floats, groups: Integers, first_column: int, columns: Integers, nearest_groups: Integers, values: Floats
) -> None:
    """Update the nearest columns of each row, at most one column of each group, nearest first.

    Of columns at equal distance the first one counts.

    Args:
        distances: (p, g) distances of further columns.
        groups: (g,) group of each of these columns.
        first_column: index of the first of these columns.
        columns: (p, k) nearest columns so far, updated in place.
        nearest_groups: (p, k) their groups, updated in place; -1: not filled.
        values: (p, k) their distances, updated in place; infinite: not filled.
    """
    k = columns.shape[1]
    for i in prange(len(distances)):
        row, row_columns, row_groups, row_values = distances[i], columns[i], nearest_groups[i], values[i]
        for j in range(len(row)):
            if row[j] >= row_values[k - 1]:
                continue
            # Position of the entry of the same group, or the last position.
            at = 0
            while at < k - 1 and row_groups[at] != groups[j]:
                at += 1
            if row_groups[at] == groups[j] and row[j] >= row_values[at]:
                continue
            while at > 0 and row_values[at - 1] > row[j]:
                row_values[at], row_columns[at] = row_values[at - 1], row_columns[at - 1]
                row_groups[at] = row_groups[at - 1]
                at -= 1
            row_values[at], row_columns[at], row_groups[at] = row[j], first_column + j, groups[j]


@_exactly
def count_distances(
    distances: Floats,
    identities: Integers,
    gallery_identities: Integers,
    dropped_bits: int,
    counts: Integers,
) -> None:
    """Count the distances of pairs of two people in bins of their leading bits; negative distances count as zero.

    Args:
        distances: (p, g).
        identities: (p,) identities of the rows.
        gallery_identities: (g,) identities of the columns.
        dropped_bits: number of trailing bits of a 32-bit distance that do not distinguish bins.
        counts: (threads, bins) counts, updated in place, one row by each thread.
    """
    n_threads = len(counts)
    for thread in prange(n_threads):
        for i in range(thread, len(distances), n_threads):
            row, row_bits = distances[i], distances[i].view(np.int32)
            for j in range(len(row)):
                if gallery_identities[j] != identities[i]:
                    bin_index = np.int64(row_bits[j]) >> dropped_bits if row[j] > 0 else 0
                    counts[thread, bin_index] += 1
