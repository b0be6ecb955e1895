"""Skeleton maps of normalized frames: draw, crop and resize."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skelgait.maps import kernels
from skelgait.maps.resize_weights import resize_weights
from skelgait.skeletons import COCO_17

_LIMBS = COCO_17.limb_indices()


def draw_frames(
    xy: NDArray[np.floating],
    confidence: NDArray[np.floating],
    *,
    canvas_px: int,
    sigma_px: float,
    align: bool,
    offset_px: int,
    size_px: int,
) -> NDArray[np.uint8]:
    """Draw the skeleton maps of normalized frames.

    Args:
        xy: (T, 17, 2) finite coordinates on the canvas, px.
        confidence: (T, 17) confidence of the joints; a joint below 0.001 is not drawn.
        canvas_px: side of the canvas.
        sigma_px: standard deviation of the Gaussians.
        align: crop each channel to its rows that are not black, with an equal width, before resizing.
        offset_px: rows to keep above and below the crop.
        size_px: side of the maps.

    Returns:
        (T, 2, size, size) uint8; channel `LIMB` and channel `JOINT`.
    """
    maps = np.zeros((len(xy), 2, size_px, size_px), np.uint8)
    n_strips = -(-canvas_px // kernels.STRIP)
    kernels.draw_frames(
        maps,
        np.ascontiguousarray(xy, np.float64),
        np.ascontiguousarray(confidence, np.float64),
        float(sigma_px),
        _LIMBS,
        (align, offset_px),
        resize_weights(canvas_px, size_px),
        kernels.Segments(np.zeros((len(_LIMBS), 4), np.int64), np.zeros((len(_LIMBS), 6))),
        np.zeros((n_strips, canvas_px, kernels.STRIP)),
    )
    return maps
