"""The compiled loops over distances, on all cores of the CPU.

They stand in one file, as numba keeps compiled code until the file that it stands in changes.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_fast = njit(cache=True, parallel=True, error_model="numpy", fastmath={"nsz", "contract"})
_exactly = njit(cache=True, parallel=True, error_model="numpy")


@_fast
def add_roots(products: Floats, row_squares: Floats, column_squares: Floats, total: Floats) -> None:
    """Add the distances of points to `total`, (p, g).

    Args:
        products: (p, g) scalar products.
        row_squares: (p,) squared lengths of the points of the rows.
        column_squares: (g,) those of the columns.
        total: changed in place.
    """
    for i in prange(len(products)):
        own, row, sums = row_squares[i], products[i], total[i]
        for j in range(len(row)):
            # |a - b|^2 = |a|^2 + |b|^2 - 2ab; rounding can bring it below zero.
            sums[j] += np.sqrt(max(own + column_squares[j] - np.float32(2) * row[j], np.float32(0)))


@njit(cache=True, nogil=True, error_model="numpy")
def _before(row: Floats, place: int, begin: int, end: int) -> int:
    """How many entries from `begin` to `end` stand before the one at `place`; at the same distance the earlier one."""
    distance = row[place]
    earlier, later = row[begin:place], row[place + 1 : end]
    # Numbers of 32 bits, like the distances, and no index that could be negative: many entries at once.
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
    left_out_starts: Integers,
    left_out: Integers,
    all_of_them: bool,
    first: NDArray[np.int32],
    ap: Floats,
    inp: Floats,
) -> None:
    """Where the true matches of each probe stand among the gallery entries of each cell.

    Args:
        distances: (p, g).
        order: (g,) the columns, cell by cell; none where there is but one cell, and columns stay as they are.
        bounds: (n + 1,) where each of n cells begins in `order`.
        starts: (p + 1,) where the true matches of each probe begin in `matches`.
        matches: (m,) places in `order` of the true matches of all probes, ascending in each.
        left_out_starts: (p + 1,) likewise of `left_out`.
        left_out: (l,) places of those that are left out, ascending in each.
        all_of_them: whether `ap` and `inp` are asked for, which need all true matches and not the nearest alone.
        first: (p, n) rank of the nearest match in each cell, from 1; written where there is a match.
        ap: (p, n) average precision, likewise.
        inp: (p, n) inverse negative penalty, likewise.
    """
    for i in prange(len(distances)):
        row = distances[i]
        if len(order):
            row = np.empty(len(order), np.float32)
            for j in range(len(order)):
                row[j] = distances[i, order[j]]
        skipped = left_out[left_out_starts[i] : left_out_starts[i + 1]]
        own = matches[starts[i] : starts[i + 1]].copy()
        begin = 0
        for c in range(len(bounds) - 1):
            end = begin
            while end < len(own) and own[end] < bounds[c + 1]:
                end += 1
            if begin == end:
                continue
            # From the nearest to the farthest; places ascend, so that of two at one distance the first stays first.
            for k in range(begin + 1, end):
                place, at = own[k], k
                while at > begin and row[own[at - 1]] > row[place]:
                    own[at] = own[at - 1]
                    at -= 1
                own[at] = place
            wanted = end - begin if all_of_them else 1
            precision, rank = 0.0, 0
            for k in range(wanted):
                place = own[begin + k]
                rank = 1 + _before(row, place, bounds[c], bounds[c + 1])
                for other in skipped:
                    if bounds[c] <= other < bounds[c + 1] and (
                        row[other] < row[place] or (row[other] == row[place] and other < place)
                    ):
                        rank -= 1
                if k == 0:
                    first[i, c] = rank
                precision += (k + 1) / rank
            ap[i, c] = precision / wanted
            inp[i, c] = wanted / rank
            begin = end


@_exactly
def keep_nearest(
    distances: Floats, groups: Integers, first_column: int, columns: Integers, its_groups: Integers, values: Floats
) -> None:
    """Bring the nearest columns of each row up to date, from the nearest on; of each group the nearest column alone.

    Of columns at the same distance the first one counts.

    Args:
        distances: (p, g) of some more columns.
        groups: (g,) group of each of them.
        first_column: number of the first of them.
        columns: (p, k) the nearest so far.
        its_groups: (p, k) their groups; -1 where there is none yet.
        values: (p, k) their distances; infinite where there is none yet.
    """
    k = columns.shape[1]
    for i in prange(len(distances)):
        row, places, theirs, kept = distances[i], columns[i], its_groups[i], values[i]
        for j in range(len(row)):
            if row[j] >= kept[k - 1]:
                continue
            # Where its group stands already, or at the end.
            at = 0
            while at < k - 1 and theirs[at] != groups[j]:
                at += 1
            if theirs[at] == groups[j] and row[j] >= kept[at]:
                continue
            while at > 0 and kept[at - 1] > row[j]:
                kept[at], places[at], theirs[at] = kept[at - 1], places[at - 1], theirs[at - 1]
                at -= 1
            kept[at], places[at], theirs[at] = row[j], first_column + j, groups[j]


@_exactly
def count_distances(
    distances: Floats,
    identities: Integers,
    gallery_identities: Integers,
    dropped_bits: int,
    counts: Integers,
) -> None:
    """Count the distances of pairs of two people by their leading bits; those below zero count as zero.

    Args:
        distances: (p, g).
        identities: (p,) of the rows.
        gallery_identities: (g,) of the columns.
        dropped_bits: how many of the 32 bits of a distance do not count.
        counts: (parts, bins), added to, every part by one thread.
    """
    parts = len(counts)
    for part in prange(parts):
        for i in range(part, len(distances), parts):
            row, row_bits = distances[i], distances[i].view(np.int32)
            for j in range(len(row)):
                if gallery_identities[j] != identities[i]:
                    place = np.int64(row_bits[j]) >> dropped_bits if row[j] > 0 else 0
                    counts[part, place] += 1
