"""A silhouette brought to one height, its middle to the middle of a square; as OpenGait's users have them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

EMPTY_SUM = 10_000
"""Nobody is in a frame whose pixels sum up to this or less: forty pixels of 255."""


def align_silhouette(image: NDArray[np.uint8], size_px: int = 64) -> NDArray[np.uint8] | None:
    """Crop a silhouette to its rows, resize it to a square's height, and center it on its median column.

    The median column is the first one at which the columns so far hold more than half of the sum of all pixels. What
    lies farther from it than half the square is cut off.

    Args:
        image: (H, W) in 0 to 255.
        size_px: side of the square, at least 1.

    Returns:
        (size_px, size_px); None where the image is empty, or so thin that nothing of it is left at that size.
    """
    rows = image.sum(axis=1, dtype=np.uint32)
    if rows.sum(dtype=np.uint64) <= EMPTY_SUM:
        return None
    filled = rows.nonzero()[0]
    body = image[filled[0] : filled[-1] + 1]
    height, width = body.shape
    # A shape a size_px-th as wide as high would have no column.
    size = max(1, size_px * width // height), size_px
    resized: NDArray[Any] = cv2.resize(body, size, interpolation=cv2.INTER_CUBIC)
    so_far = resized.sum(axis=0, dtype=np.uint64).cumsum()
    if not so_far[-1]:
        return None
    center = int(np.searchsorted(2 * so_far, so_far[-1], side="right"))
    return _cut(resized, center - size_px // 2, size_px)


def _cut(image: NDArray[Any], left: int, width: int) -> NDArray[np.uint8]:
    """`width` columns from `left` on; those beyond the image are 0."""
    start, stop = max(left, 0), min(left + width, image.shape[1])
    cut = np.zeros((len(image), width), np.uint8)
    cut[:, start - left : stop - left] = image[:, start:stop]
    return cut
