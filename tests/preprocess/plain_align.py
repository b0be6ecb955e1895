"""The rule of alignment in plain loops, a number after the other; only the resizing is OpenCV's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def plain_alignment(image: NDArray[np.uint8], size: int = 64) -> list[list[int]] | None:
    """The rows of the aligned image; None where it is empty. For even sizes."""
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
        nothing = [0] * (size // 2)
        resized = [nothing + line + nothing for line in resized]
        left, right = left + size // 2, right + size // 2
    return [line[left:right] for line in resized]


def _median_column(lines: list[list[int]]) -> int:
    total = sum(sum(line) for line in lines)
    so_far = 0
    for x in range(len(lines[0])):
        so_far += sum(line[x] for line in lines)
        if so_far > total / 2:
            return x
    raise ValueError("nothing is left of the image")
