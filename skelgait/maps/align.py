"""Cropping each map to the body's rows and resizing it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def align(levels: NDArray[np.uint8], size_px: int, offset_px: int) -> NDArray[np.uint8]:
    """Crop each canvas to its rows that are not all zero, as wide as high about the middle, and resize it.

    Limb and joint maps are cropped apart.

    Args:
        levels: (T, 2, canvas, canvas).
        size_px: side of the result.
        offset_px: rows kept above and below, as far as the canvas goes.

    Returns:
        (T, 2, size, size).
    """
    canvas_px = levels.shape[-1]
    aligned = np.zeros((*levels.shape[:2], size_px, size_px), np.uint8)
    any_in_row = np.asarray(levels.any(axis=3))
    for t, channel in np.argwhere(any_in_row.any(axis=2)):
        rows = np.flatnonzero(any_in_row[t, channel])
        top, bottom = max(rows[0] - offset_px, 0), min(rows[-1] + offset_px, canvas_px - 1)
        half, middle = (bottom - top + 1) // 2, canvas_px // 2
        crop = levels[t, channel, top : bottom + 1, max(middle - half, 0) : middle + half + 1]
        aligned[t, channel] = resize(crop, size_px)
    return aligned


def resize(image: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Resize an image to a square by area, in double precision; fractions of a grey level are cut off."""
    # Divided and multiplied by 255 as the authors do: it decides which way exact levels are cut.
    return (cv2.resize(image / 255.0, (size_px, size_px), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
