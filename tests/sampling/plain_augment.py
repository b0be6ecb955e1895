"""Plain augmentation of float images in [0, 1], pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]


def plain_perspective(image: Image, ends: Sequence[float]) -> Image:
    """Map a quadrilateral with the x coordinates `ends` onto the whole image.

    Args:
        image: (H, W).
        ends: top left, bottom left, top right, bottom right; the upper corners are at y = 0, the lower ones at y = H.
    """
    height, width = image.shape
    top_left, bottom_left, top_right, bottom_right = ends
    sources = [(top_left, 0), (top_right, 0), (bottom_right, height), (bottom_left, height)]
    targets = [(0, 0), (width, 0), (width, height), (0, height)]
    return _resampled(image, _projection(targets, sources))


def plain_rotation(image: Image, degrees: float) -> Image:
    """Rotate counter-clockwise about x = H // 2, y = W // 2, as OpenGait does."""
    height, width = image.shape
    x, y = height // 2, width // 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    # From a pixel of the result to its source; y points down.
    inverse = np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y], [0, 0, 1]])
    return _resampled(image, inverse)


def _projection(points: Sequence[tuple[float, float]], images: Sequence[tuple[float, float]]) -> Image:
    """Return the (3, 3) projective map from four points to four images."""
    rows, right = [], []
    for (x, y), (u, v) in zip(points, images, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows, float), right), 1.0).reshape(3, 3)


def _resampled(image: Image, inverse: Image) -> Image:
    """Return the image, interpolated bilinearly at the source of each pixel; 0 outside."""
    height, width = image.shape
    out = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            x, y, scale = inverse @ (column, row, 1)
            out[row, column] = _interpolated(image, x / scale, y / scale)
    return out


def _interpolated(image: Image, x: float, y: float) -> float:
    left, top = int(np.floor(x)), int(np.floor(y))
    value = 0.0
    for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
        for row, share_y in ((top, top + 1 - y), (top + 1, y - top)):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                value += share_x * share_y * image[row, column]
    return value
