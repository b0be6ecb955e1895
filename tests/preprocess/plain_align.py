"""Alignment in plain loops; only the resizing is by OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def plain_alignment(image: NDArray[np.uint8], size: int = 64) -> list[list[int]] | None:
    """Return the rows of the aligned image, for even sizes; None if the image is empty."""
    lines = [[int(value) for value in line] for line in image]
    if sum(sum(line) for line in lines) <= 10000:
        return None
    while not any(lines[0]):
        del lines[0]
    while not any(lines[-1]):
        del lines[-1]
    width = max(1, int(size * len(lines[0]) / len(lines)))
    resized = cv2.resize(np.array(lines, np.uint8), (width, size), interpolation=cv2.INTER_CUBIC).tolist()
    center = _median_column(resized)
    left, right = center - size // 2, center + size // 2
    if left <= 0 or right >= width:
        padding = [0] * (size // 2)
        resized = [padding + line + padding for line in resized]
        left, right = left + size // 2, right + size // 2
    return [line[left:right] for line in resized]


def _median_column(lines: list[list[int]]) -> int:
    total = sum(sum(line) for line in lines)
    cumulative = 0
    for x in range(len(lines[0])):
        cumulative += sum(line[x] for line in lines)
        if cumulative > total / 2:
            return x
    raise ValueError("the image is empty")
