"""Filling coordinates that the pose estimator lost.

A coordinate that is exactly 0 is missing. The x and y of a joint are filled apart, each from other frames of the
sequence.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Fill = Literal["knn", "visible", "mean", "none"]

_NEIGHBOURS = 4


def fill_missing(xy: NDArray[np.floating], method: Fill) -> NDArray[np.floating]:
    """Coordinates (T, V, 2) with the missing ones filled; the same array where there is nothing to do.

    * `knn`: the mean over the 4 nearest frames that have the coordinate, weighted by 1 / distance. The distance of two
      frames is Euclidean over the coordinates that both have, scaled up to all. This is scikit-learn's KNNImputer, but
      for frames at exactly the same distance, of which the first count here, and any there.
    * `visible`: `knn` over the coordinates that some frame has; the others stay missing.
    * `mean`: the mean over the frames that have the coordinate.
    * `none`: not at all.

    If some coordinate is missing in every frame, `knn` leaves the whole sequence as it is, as OpenGait
    does; `mean` fills the others.
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
    there = 1.0 - missing.reshape(rows.shape)
    seen = np.flatnonzero(~never)
    # `take`, unlike [:, seen], leaves each row in one piece of memory, as the loops are compiled for.
    rows[:, seen] = _fill_from_neighbors(rows.take(seen, axis=1), there.take(seen, axis=1))
    return rows.astype(xy.dtype).reshape(xy.shape)


@njit(cache=True, nogil=True)
def _fill_from_neighbors(rows, there):  # type: ignore[no-untyped-def]
    """Fill (T, F) rows where `there` (T, F) is 0 and not 1; every feature is there in some row."""
    n_rows, n_features = rows.shape
    filled = rows.copy()
    distances = np.empty(n_rows)
    for row in range(n_rows):
        if there[row].all():
            continue
        for other in range(n_rows):
            distances[other] = _distance(rows[row], there[row], rows[other], there[other])
        for feature in range(n_features):
            if not there[row, feature]:
                filled[row, feature] = _weighted_mean(rows[:, feature], there[:, feature], distances)
    return filled


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _distance(a, there_a, b, there_b):  # type: ignore[no-untyped-def]
    """Distance of two rows over the features that both have, scaled up to all; infinite where they share none."""
    total = shared = 0.0
    for feature in range(len(a)):
        both = there_a[feature] * there_b[feature]
        difference = a[feature] - b[feature]
        total += both * difference * difference
        shared += both
    return np.sqrt(total * len(a) / shared) if shared > 0 else np.inf


@njit(cache=True, nogil=True)
def _weighted_mean(values, there, distances):  # type: ignore[no-untyped-def]
    """Mean of the values of the nearest rows that have one, weighted by 1 / distance.

    Rows at distance 0 count alone; where no row can be compared with, all that have a value count alike.
    """
    nearest, n = np.empty(_NEIGHBOURS, np.int64), 0
    for row in range(len(values)):
        if not there[row] or (n == _NEIGHBOURS and distances[row] >= distances[nearest[n - 1]]):
            continue
        # Insert the row where it belongs; of rows at one distance the first comes first.
        n = min(n + 1, _NEIGHBOURS)
        place = n - 1
        while place > 0 and distances[row] < distances[nearest[place - 1]]:
            nearest[place] = nearest[place - 1]
            place -= 1
        nearest[place] = row
    if distances[nearest[0]] == np.inf:
        return (values * there).sum() / there.sum()
    total = weights = 0.0
    exact = distances[nearest[0]] == 0
    for row in nearest[:n]:
        weight = 1 / distances[row] if not exact else 1.0 if distances[row] == 0 else 0.0
        total += weight * values[row]
        weights += weight
    return total / weights
