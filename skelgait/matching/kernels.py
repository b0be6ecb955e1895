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


@_exactly
def rank_true_matches(
    distances: Floats,
    identities: Integers,
    gallery_identities: Integers,
    cells: Integers,
    starts: Integers,
    matches: Integers,
    all_of_them: bool,
    first: NDArray[np.int32],
    ap: Floats,
    inp: Floats,
) -> None:
    """Where the true matches of each probe stand among the gallery entries of each cell.

    Args:
        distances: (p, g).
        identities: (p,) the probes'.
        gallery_identities: (g,).
        cells: (g,) number of the cell that a gallery entry is in.
        starts: (p + 1,) where the true matches of each probe begin in `matches`.
        matches: (m,) columns of the true matches of all probes, ascending in each.
        all_of_them: whether `ap` and `inp` are asked for, which need all true matches and not the nearest alone.
        first: (p, n) rank of the nearest match in each of n cells, from 1; written where there is a match.
        ap: (p, n) average precision, likewise.
        inp: (p, n) inverse negative penalty, likewise.
    """
    n_cells = first.shape[1]
    for i in prange(len(distances)):
        row = distances[i]
        own = matches[starts[i] : starts[i + 1]]
        # The true matches of a cell, from the nearest to the farthest: places[begins[c] : begins[c] + counts[c]].
        places = np.empty(len(own), np.int64)
        counts = np.zeros(n_cells, np.int64)
        begins = np.zeros(n_cells, np.int64)
        for j in own:
            counts[cells[j]] += 1
        for c in range(1, n_cells):
            begins[c] = begins[c - 1] + counts[c - 1]
        counts[:] = 0
        for j in own:
            c = cells[j]
            k = begins[c] + counts[c]
            # Columns ascend, so that of two at the same distance the first one stays first.
            while k > begins[c] and row[places[k - 1]] > row[j]:
                places[k] = places[k - 1]
                k -= 1
            places[k] = j
            counts[c] += 1
        # From here on, entries that are farther than the last match that is asked for do not matter.
        wanted = counts.copy()
        limits = np.full(n_cells, -np.inf, np.float32)
        for c in range(n_cells):
            if counts[c]:
                wanted[c] = counts[c] if all_of_them else 1
                limits[c] = row[places[begins[c] + wanted[c] - 1]]
        near = np.empty(len(own), np.float32)
        for k in range(len(own)):
            near[k] = row[places[k]]
        nearer = np.zeros(len(own), np.int64)
        for j in range(len(row)):
            c, distance = cells[j], row[j]
            if distance > limits[c] or gallery_identities[j] == identities[i]:
                continue
            # Before which match does it stand? Those at the same distance stand in the order of the gallery.
            low, high = begins[c], begins[c] + wanted[c]
            while low < high:
                k = (low + high) // 2
                if distance < near[k] or (distance == near[k] and j < places[k]):
                    high = k
                else:
                    low = k + 1
            if low < begins[c] + wanted[c]:
                nearer[low] += 1
        for c in range(n_cells):
            if not counts[c]:
                continue
            before, precision, rank = 0, 0.0, 0
            for k in range(wanted[c]):
                before += nearer[begins[c] + k]
                rank = before + k + 1
                if k == 0:
                    first[i, c] = rank
                precision += (k + 1) / rank
            ap[i, c] = precision / wanted[c]
            inp[i, c] = wanted[c] / rank


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
        counts: (bins,), added to.
    """
    # A table for each thread, few enough to stay small on machines of many cores.
    parts = min(8, max(1, len(distances)))
    own = np.zeros((parts, len(counts)), np.int64)
    for part in prange(parts):
        for i in range(part, len(distances), parts):
            row, row_bits = distances[i], distances[i].view(np.int32)
            for j in range(len(row)):
                if gallery_identities[j] != identities[i]:
                    place = np.int64(row_bits[j]) >> dropped_bits if row[j] > 0 else 0
                    own[part, place] += 1
    for part in range(parts):
        counts += own[part]
