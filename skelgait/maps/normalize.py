"""Normalization of body position and height."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17

_HIPS = [COCO_17.index("left hip"), COCO_17.index("right hip")]


def normalize(xy: NDArray[np.floating], canvas_px: int) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Center each frame at its hip midpoint, and scale the body height to 2/3 of the canvas.

    Args:
        xy: (T, 17, 2) coordinates in the source image, px.
        canvas_px: side of the canvas; a canvas of 128 px gives a body height of 85 px.

    Returns:
        (T, 17, 2) coordinates on the canvas, 0 for frames without height; and (T,) True for frames with height.
    """
    centered = xy - xy[:, _HIPS].mean(axis=1, keepdims=True, dtype=xy.dtype)
    height = xy[..., 1].max(axis=1, initial=-np.inf) - xy[..., 1].min(axis=1, initial=np.inf)
    has_height = height > 0
    scale = (canvas_px // 1.5) / np.where(has_height, height, 1)
    placed = centered * scale.astype(xy.dtype)[:, None, None] + canvas_px // 2
    return np.where(has_height[:, None, None], placed, 0), has_height
