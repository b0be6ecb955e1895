"""Filling coordinates that the pose estimator lost.

A coordinate that is exactly 0 is missing. The x and y of a joint are filled apart, each from other frames of the
sequence.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Fill = Literal["knn", "mean", "none"]

_NEIGHBOURS = 4


def fill_missing(xy: NDArray[np.floating], method: Fill) -> NDArray[np.floating]:
    """Coordinates (T, V, 2) with the missing ones filled; the same array where there is nothing to do.

    * `knn`: the mean over the 4 nearest frames that have the coordinate, weighted by 1 / distance. The distance of two
      frames is Euclidean over the coordinates that both have, scaled up to all (as scikit-learn's KNNImputer).
    * `mean`: the mean over the frames that have the coordinate.
    * `none`: not at all.

    If some coordinate is missing in every frame, `knn` leaves the whole sequence as it is, as the authors' pipeline
    does; `mean` fills the others.
    """
    missing = xy == 0
    if method == "none" or not missing.any():
        return xy
    never = missing.all(axis=0)
    if method == "mean":
        seen = np.maximum((~missing).sum(axis=0), 1)
        return np.where(missing & ~never, xy.sum(axis=0, dtype=np.float64) / seen, xy).astype(xy.dtype)
    if never.any():
        return xy
    rows = xy.reshape(len(xy), -1).astype(np.float64)
    filled: NDArray[np.float64] = _fill_from_neighbours(rows, missing.reshape(rows.shape))
    return filled.astype(xy.dtype).reshape(xy.shape)


@njit(cache=True)
def _fill_from_neighbours(rows, missing):  # type: ignore[no-untyped-def]
    """Fill (T, F) rows where `missing` (T, F); every feature is there in some row."""
    n_rows, n_features = rows.shape
    filled = rows.copy()
    distances = np.empty(n_rows)
    for row in range(n_rows):
        if not missing[row].any():
            continue
        for other in range(n_rows):
            distances[other] = _distance(rows, missing, row, other)
        for feature in range(n_features):
            if missing[row, feature]:
                filled[row, feature] = _weighted_mean(rows[:, feature], missing[:, feature], distances)
    return filled


@njit(cache=True)
def _distance(rows, missing, a, b):  # type: ignore[no-untyped-def]
    """Distance of two rows over the features that both have, scaled up to all; infinite where they share none."""
    n_features = rows.shape[1]
    total, shared = 0.0, 0
    for feature in range(n_features):
        if not missing[a, feature] and not missing[b, feature]:
            difference = rows[a, feature] - rows[b, feature]
            total += difference * difference
            shared += 1
    return np.sqrt(total * n_features / shared) if shared else np.inf


@njit(cache=True)
def _weighted_mean(values, missing, distances):  # type: ignore[no-untyped-def]
    """Mean of the values of the nearest rows that have one, weighted by 1 / distance.

    Rows at distance 0 count alone; where no row can be compared with, all that have a value count alike.
    """
    donors = np.flatnonzero(~missing)
    nearest = donors[np.argsort(distances[donors], kind="mergesort")[:_NEIGHBOURS]]
    if distances[nearest[0]] == np.inf:
        return values[donors].mean()
    total = weights = 0.0
    exact = distances[nearest[0]] == 0
    for donor in nearest:
        weight = (1.0 if distances[donor] == 0 else 0.0) if exact else 1.0 / distances[donor]
        total += weight * values[donor]
        weights += weight
    return total / weights
