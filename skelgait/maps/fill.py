"""Filling of missing coordinates from other frames of the sequence.

A coordinate that is exactly 0 is missing. The x and y of a joint are filled independently.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Fill = Literal["knn", "visible", "mean", "none"]

_NEIGHBORS = 4


def fill_missing(xy: NDArray[np.floating], method: Fill) -> NDArray[np.floating]:
    """Fill missing coordinates of one sequence.

    If a coordinate is missing in every frame, `knn` returns the whole sequence unchanged, like OpenGait; `visible` and
    `mean` fill the other coordinates.

    Args:
        xy: (T, V, 2) coordinates in pixels; exactly 0 is missing.
        method: how to fill.

            * `knn`: mean of the 4 nearest frames that have the coordinate, weighted by 1 / distance. The distance of
              two frames is Euclidean over the coordinates that both have, scaled up to the number of all coordinates.
              This equals scikit-learn's KNNImputer, except for ties: the earlier frame is used.
            * `visible`: `knn` over the coordinates that at least one frame has.
            * `mean`: mean of the frames that have the coordinate.
            * `none`: no filling.

    Returns:
        (T, V, 2) coordinates of the same dtype; `xy` itself if nothing was filled.
    """
    missing = xy == 0
    if method == "none" or not missing.any():
        return xy
    never = missing.all(axis=0)
    if method == "mean":
        seen = np.maximum((~missing).sum(axis=0), 1)
        return np.where(missing & ~never, xy.sum(axis=0, dtype=np.float64) / seen, xy).astype(xy.dtype)
    if method == "knn" and never.any():
        return xy
    rows = xy.reshape(len(xy), -1).astype(np.float64)
    present = 1.0 - missing.reshape(rows.shape)
    seen = np.flatnonzero(~never)
    # The loops are compiled for C-contiguous rows: `take` gives these, [:, seen] does not.
    rows[:, seen] = _fill_from_neighbors(rows.take(seen, axis=1), present.take(seen, axis=1))
    return rows.astype(xy.dtype).reshape(xy.shape)


@njit(cache=True, nogil=True)
def _fill_from_neighbors(rows, present):  # type: ignore[no-untyped-def]
    """Fill the entries of rows (T, F) for which `present` (T, F) is 0, not 1; each feature needs a present entry."""
    n_rows, n_features = rows.shape
    filled = rows.copy()
    distances = np.empty(n_rows)
    for row in range(n_rows):
        if present[row].all():
            continue
        for other in range(n_rows):
            distances[other] = _distance(rows[row], present[row], rows[other], present[other])
        for feature in range(n_features):
            if not present[row, feature]:
                filled[row, feature] = _weighted_mean(rows[:, feature], present[:, feature], distances)
    return filled


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _distance(a, present_a, b, present_b):  # type: ignore[no-untyped-def]
    """Return the distance of two rows over their shared features, scaled up to all features; infinite if none."""
    total = shared = 0.0
    for feature in range(len(a)):
        is_shared = present_a[feature] * present_b[feature]
        difference = a[feature] - b[feature]
        total += is_shared * difference * difference
        shared += is_shared
    return np.sqrt(total * len(a) / shared) if shared > 0 else np.inf


@njit(cache=True, nogil=True)
def _weighted_mean(values, present, distances):  # type: ignore[no-untyped-def]
    """Return the mean of the values of the nearest rows that have one, weighted by 1 / distance.

    If rows have distance 0, only these are used. If all distances are infinite, all present values have equal weight.
    """
    nearest, n = np.empty(_NEIGHBORS, np.int64), 0
    for row in range(len(values)):
        if not present[row] or (n == _NEIGHBORS and distances[row] >= distances[nearest[n - 1]]):
            continue
        # Insertion sort; rows with equal distance keep their order.
        n = min(n + 1, _NEIGHBORS)
        i = n - 1
        while i > 0 and distances[row] < distances[nearest[i - 1]]:
            nearest[i] = nearest[i - 1]
            i -= 1
        nearest[i] = row
    if distances[nearest[0]] == np.inf:
        return (values * present).sum() / present.sum()
    total = weights = 0.0
    exact = distances[nearest[0]] == 0
    for row in nearest[:n]:
        weight = 1 / distances[row] if not exact else 1.0 if distances[row] == 0 else 0.0
        total += weight * values[row]
        weights += weight
    return total / weights
