"""Simple numpy implementation of skeleton maps, one limb and frame at a time; baseline of the benchmark."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.impute import KNNImputer

from skelgait.maps.normalize import normalize
from skelgait.skeletons import COCO_17

_SIGMA, _CANVAS = 8.0, 128
_GRID = np.arange(_CANVAS, dtype=np.float32)


def plain_maps(poses: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw (T, 17, 3) keypoints as (T, 2, 64, 64) maps."""
    xy = poses[..., :2]
    if (xy == 0).any():
        imputer = KNNImputer(missing_values=0.0, n_neighbors=4, weights="distance")
        xy = imputer.fit_transform(xy.reshape(len(xy), -1)).reshape(xy.shape)
    xy, _ = normalize(xy, _CANVAS)
    drawn = np.zeros((len(xy), 2, _CANVAS, _CANVAS), np.float32)
    for t in range(len(xy)):
        for a, b in COCO_17.limb_indices():
            _draw(drawn[t, 0], xy[t, a], xy[t, b], min(poses[t, a, 2], poses[t, b, 2]))
        for j in range(17):
            _draw(drawn[t, 1], xy[t, j], xy[t, j], poses[t, j, 2])
    levels = np.minimum((drawn * 256).astype(int), 255).astype(np.uint8)
    return np.stack([_aligned(image) for image in levels.reshape(-1, _CANVAS, _CANVAS)]).reshape(-1, 2, 64, 64)


def _draw(target: NDArray[np.float32], start: NDArray[np.float32], end: NDArray[np.float32], value: float) -> None:
    low = np.maximum((np.minimum(start, end) - 3 * _SIGMA).astype(int), 0)
    high = np.minimum((np.maximum(start, end) + 3 * _SIGMA).astype(int) + 1, _CANVAS)
    if value < 1e-3 or (high <= low).any():
        return
    window = target[low[1] : high[1], low[0] : high[0]]
    dx, dy = _GRID[None, low[0] : high[0]] - start[0], _GRID[low[1] : high[1], None] - start[1]
    along = end - start
    fraction = np.clip((dx * along[0] + dy * along[1]) / max((along**2).sum(), 1e-9), 0, 1)
    d2 = (dx - fraction * along[0]) ** 2 + (dy - fraction * along[1]) ** 2
    np.maximum(window, np.exp(-d2 / 2 / _SIGMA**2) * value, out=window)


def _aligned(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows = np.flatnonzero(levels.any(axis=1))
    if not len(rows):
        return np.zeros((64, 64), np.uint8)
    half = (rows[-1] - rows[0] + 1) // 2
    crop = levels[rows[0] : rows[-1] + 1, max(_CANVAS // 2 - half, 0) : _CANVAS // 2 + half + 1]
    return (cv2.resize(crop / 255.0, (64, 64), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
