"""The gallery entries that are nearest to each probe."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.matching.kernels import nearest_columns


class Nearest(NamedTuple):
    """Of each row, from the nearest on.

    Attributes:
        columns: (p, k).
        distances: (p, k) float32.
    """

    columns: NDArray[np.int64]
    distances: NDArray[np.float32]


def nearest(distances: NDArray[np.float32], k: int) -> Nearest:
    """The `k` nearest columns of each row, or all where there are fewer; ties in the order of the columns.

    Args:
        distances: (p, g) float32.
        k: how many.
    """
    shape = (len(distances), min(k, distances.shape[1]))
    found = Nearest(np.empty(shape, np.int64), np.empty(shape, np.float32))
    if shape[1]:
        nearest_columns(distances, *found)
    return found
