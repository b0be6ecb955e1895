"""Compiled loop that counts pairs of two people by the people of both sides, on all cores of the CPU."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@njit(cache=True, parallel=True, error_model="numpy")
def count_by_group(
    distances: Floats,
    identities: Integers,
    gallery_identities: Integers,
    group_of: Integers,
    dropped_bits: int,
    by_probe: Integers,
    by_gallery: Integers,
) -> None:
    """Count the distances of pairs of two people in bins of their leading bits, once for each of the two people.

    Args:
        distances: (p, g); negative distances count as zero.
        identities: (p,) identities of the rows.
        gallery_identities: (g,) identities of the columns.
        group_of: group of each identity.
        dropped_bits: number of trailing bits of a 32-bit distance that do not distinguish bins.
        by_probe: (groups, bins) counts by group of the row, updated in place.
        by_gallery: (threads, bins, groups) counts by group of the column, updated in place, one table by each thread.
    """
    n_threads = len(by_gallery)
    column_groups = group_of[gallery_identities]
    for thread in prange(n_threads):
        columns = by_gallery[thread]
        for i in range(len(distances)):
            row_group = group_of[identities[i]]
            # All rows of a group belong to one thread, so that no two threads write to one place.
            if row_group % n_threads != thread:
                continue
            row, row_bits, counts = distances[i], distances[i].view(np.int32), by_probe[row_group]
            for j in range(len(row)):
                if gallery_identities[j] != identities[i]:
                    bin_index = np.int64(row_bits[j]) >> dropped_bits if row[j] > 0 else 0
                    counts[bin_index] += 1
                    columns[bin_index, column_groups[j]] += 1
