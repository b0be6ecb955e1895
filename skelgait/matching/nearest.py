"""Nearest gallery entries of each probe."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.matching.distances import Indices, RowBlocks
from skelgait.matching.kernels import keep_nearest

_COLUMNS_AT_A_TIME = 2**16


class Nearest(NamedTuple):
    """Nearest gallery entries of P probes, nearest first.

    Attributes:
        columns: (P, k) int64 indices of gallery entries.
        distances: (P, k) float32 distances.
    """

    columns: NDArray[np.int64]
    distances: NDArray[np.float32]


def nearest(distances: NDArray[np.float32], k: int) -> Nearest:
    """Return the k nearest columns of each row, or all if there are fewer; ties are in the order of the columns.

    Args:
        distances: (P, G) float32.
        k: number of columns, at least 1.
    """
    accumulator = _NearestAccumulator(len(distances), np.arange(distances.shape[1]), k)
    accumulator.add(0, 0, distances)
    return accumulator.result()


def nearest_groups(
    rows: RowBlocks,
    probes: Indices,
    gallery: Indices,
    groups: Indices,
    k: int,
    *,
    columns_at_a_time: int = _COLUMNS_AT_A_TIME,
) -> Nearest:
    """Return the k nearest groups of each probe, or all if there are fewer, each by its nearest entry.

    The gallery is read once, and may be larger than the memory.

    Args:
        rows: source of distances.
        probes: (P,) indices of the probes.
        gallery: (G,) indices of the gallery entries.
        groups: (G,) group of each gallery entry, for example the person, from 0.
        k: number of groups, at least 1.
        columns_at_a_time: gallery entries whose distances are in memory at a time.
    """
    accumulator = _NearestAccumulator(len(probes), groups, k)
    for left in range(0, len(gallery), columns_at_a_time):
        for start, distances in rows(probes, gallery[left : left + columns_at_a_time]):
            accumulator.add(start, left, distances)
    return accumulator.result()


class _NearestAccumulator:
    """Nearest columns of the distances added so far."""

    def __init__(self, n_probes: int, groups: Indices, k: int) -> None:
        shape = (n_probes, min(k, len(np.unique(groups))))
        self._groups = groups.astype(np.int64)
        self._columns, self._nearest_groups = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
        self._values = np.full(shape, np.inf, np.float32)

    def add(self, top: int, left: int, distances: NDArray[np.float32]) -> None:
        """Add distances of the probes from index `top` on to the columns from index `left` on."""
        if self._columns.shape[1]:
            rows, columns = slice(top, top + len(distances)), slice(left, left + distances.shape[1])
            keep_nearest(
                distances, self._groups[columns], left,
                self._columns[rows], self._nearest_groups[rows], self._values[rows],
            )  # fmt: skip

    def result(self) -> Nearest:
        return Nearest(self._columns, self._values)
