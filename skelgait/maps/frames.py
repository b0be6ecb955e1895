"""Maps of placed frames: draw, gray levels, crop and resize."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skelgait.maps import kernels
from skelgait.maps.taps import resizing_taps
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
    """Skeleton maps (T, 2, size, size), channel `LIMB` and channel `JOINT`.

    Args:
        xy: (T, 17, 2) finite coordinates on the canvas.
        confidence: (T, 17); below 0.001 a joint is not drawn.
        canvas_px: side of the canvas.
        sigma_px: width of the Gaussians.
        align: crop each channel to its rows that are not black, as wide as high, before resizing.
        offset_px: rows kept above and below.
        size_px: side of the maps.
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
        resizing_taps(canvas_px, size_px),
        kernels.Parts(np.zeros((len(_LIMBS), 4), np.int64), np.zeros((len(_LIMBS), 6))),
        np.zeros((n_strips, canvas_px, kernels.STRIP)),
    )
    return maps
