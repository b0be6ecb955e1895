"""Reference implementation of skeleton maps with plain loops over pixels."""

from __future__ import annotations

import math

import numpy as np

from skelgait.skeletons import COCO_17

ONE_LOWER = {33, 37, 41, 45, 49, 53, 57, 61, 66, 74, 82, 90, 98, 106, 114, 122, 132, 148, 164, 180, 196, 212, 228, 244}


def segment_distance2(x: float, y: float, a: np.ndarray, b: np.ndarray) -> float:
    along = b - a
    length2 = float((along**2).sum())
    fraction = 0.0 if length2 == 0 else min(max(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length2, 0.0), 1.0)
    return float((x - a[0] - fraction * along[0]) ** 2 + (y - a[1] - fraction * along[1]) ** 2)


def draw_segment(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, value: float, sigma: float) -> None:
    if value < 1e-3:
        return
    size = len(canvas)
    x0, y0 = (int(min(a[i], b[i]) - 3 * sigma) for i in (0, 1))
    x1, y1 = (int(max(a[i], b[i]) + 3 * sigma) for i in (0, 1))
    for y in range(max(y0, 0), min(y1, size - 1) + 1):
        for x in range(max(x0, 0), min(x1, size - 1) + 1):
            drawn = value * math.exp(-segment_distance2(x, y, a, b) / (2 * sigma**2))
            canvas[y, x] = max(canvas[y, x], drawn)


def draw(xy: np.ndarray, confidence: np.ndarray, size: int, sigma: float) -> np.ndarray:
    """Return gray levels (2, size, size) of one frame."""
    limbs, joints = np.zeros((size, size)), np.zeros((size, size))
    for a, b in COCO_17.limb_indices():
        if ((xy[a] - xy[b]) ** 2).sum() < 1:
            if min(confidence[a], confidence[b]) >= 1e-3:
                draw_segment(limbs, xy[a], xy[a], confidence[a], sigma)
        else:
            draw_segment(limbs, xy[a], xy[b], min(confidence[a], confidence[b]), sigma)
    for j in range(17):
        draw_segment(joints, xy[j], xy[j], confidence[j], sigma)
    levels = np.minimum((np.stack([limbs, joints]) * 256).astype(int), 255)
    return np.vectorize(lambda level: level - (level in ONE_LOWER))(levels).astype(np.uint8)
