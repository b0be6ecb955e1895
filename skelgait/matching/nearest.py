"""The gallery entries that are nearest to each probe."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.matching.distances import Indices, RowBlocks
from skelgait.matching.kernels import keep_nearest

# Gallery entries whose distances to the probes are held at a time.
_COLUMNS = 2**16


class Nearest(NamedTuple):
    """Of each probe, from the nearest on.

    Attributes:
        columns: (P, k) int64.
        distances: (P, k) float32.
    """

    columns: NDArray[np.int64]
    distances: NDArray[np.float32]


def nearest(distances: NDArray[np.float32], k: int) -> Nearest:
    """The `k` nearest columns of each row, or all where there are fewer; ties in the order of the columns.

    Args:
        distances: (P, G) float32.
        k: how many, at least 1.
    """
    found = _Found(len(distances), np.arange(distances.shape[1]), k)
    found.add(0, 0, distances)
    return found.result()


def nearest_groups(rows: RowBlocks, these: Indices, those: Indices, groups: Indices, k: int) -> Nearest:
    """The `k` nearest groups of each probe, or all where there are fewer, each by its nearest member.

    The gallery passes by once, so that it may be larger than the memory.

    Args:
        rows: source of distances.
        these: (P,) numbers of the probes.
        those: (G,) numbers of the gallery entries.
        groups: (G,) the group of each entry, as a person's number; from 0.
        k: how many, at least 1.
    """
    found = _Found(len(these), groups, k)
    for left in range(0, len(those), _COLUMNS):
        for start, distances in rows(these, those[left : left + _COLUMNS]):
            found.add(start, left, distances)
    return found.result()


class _Found:
    """The nearest so far."""

    def __init__(self, n_probes: int, groups: Indices, k: int) -> None:
        shape = (n_probes, min(k, len(np.unique(groups))))
        self._groups = groups.astype(np.int64)
        self._columns, self._its_groups = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
        self._values = np.full(shape, np.inf, np.float32)

    def add(self, top: int, left: int, distances: NDArray[np.float32]) -> None:
        """Take the distances of the probes from `top` on to the columns from `left` on."""
        if self._columns.shape[1]:
            rows, columns = slice(top, top + len(distances)), slice(left, left + distances.shape[1])
            keep_nearest(
                distances, self._groups[columns], left,
                self._columns[rows], self._its_groups[rows], self._values[rows],
            )  # fmt: skip

    def result(self) -> Nearest:
        return Nearest(self._columns, self._values)
