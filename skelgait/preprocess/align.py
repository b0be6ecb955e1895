"""Alignment of a silhouette: crop to the body's rows, resize to one height, center the body's median column."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

EMPTY_SUM = 10_000
"""Largest sum of pixel values of an image that counts as empty: about forty pixels of 255."""


def align_silhouette(image: NDArray[np.uint8], size_px: int = 64) -> NDArray[np.uint8] | None:
    """Align a silhouette as OpenGait's preprocessing does.

    The median column is the first one at which the cumulative sum over columns exceeds half of the sum of all pixels.
    Pixels farther from it than half the square are cut off.

    Args:
        image: silhouette (H, W) in 0 to 255.
        size_px: side of the square in pixels, at least 1.

    Returns:
        Aligned silhouette (size_px, size_px); None if the image is empty, or vanishes at that size.
    """
    rows = image.sum(axis=1, dtype=np.uint32)
    if rows.sum(dtype=np.uint64) <= EMPTY_SUM:
        return None
    filled = rows.nonzero()[0]
    body = image[filled[0] : filled[-1] + 1]
    height, width = body.shape
    # Very narrow bodies would get a width of 0.
    size = max(1, size_px * width // height), size_px
    resized: NDArray[Any] = cv2.resize(body, size, interpolation=cv2.INTER_CUBIC)
    cumulative = resized.sum(axis=0, dtype=np.uint64).cumsum()
    if not cumulative[-1]:
        return None
    center = int(np.searchsorted(2 * cumulative, cumulative[-1], side="right"))
    return _crop(resized, center - size_px // 2, size_px)


def _crop(image: NDArray[Any], left: int, width: int) -> NDArray[np.uint8]:
    """Return `width` columns from `left` on; columns outside the image are 0."""
    start, stop = max(left, 0), min(left + width, image.shape[1])
    cropped = np.zeros((len(image), width), np.uint8)
    cropped[:, start - left : stop - left] = image[:, start:stop]
    return cropped
