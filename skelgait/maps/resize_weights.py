"""Weights of OpenCV's INTER_AREA interpolation."""

from __future__ import annotations

from functools import cache

import numpy as np

from skelgait.maps.kernels import ResizeWeights


@cache
def resize_weights(canvas_px: int, size_px: int) -> ResizeWeights:
    """Return the weights to resize lines of 1 to `canvas_px` pixels to `size_px` pixels."""
    max_count = max(canvas_px // size_px + 2, 2)
    shape = (2, canvas_px + 1, size_px)
    result = ResizeWeights(np.zeros(shape, np.int64), np.ones(shape, np.int64), np.zeros((*shape, max_count)))
    for length in range(1, canvas_px + 1):
        for pixel in range(size_px):
            if length >= size_px:
                _set(result, (0, length, pixel), *_shrink(length, size_px, pixel))
            _set(result, (1, length, pixel), *_enlarge(length, size_px, pixel))
    return result


def _set(result: ResizeWeights, index: tuple[int, int, int], start: int, weights: list[float]) -> None:
    result.starts[index], result.counts[index] = start, len(weights)
    result.weights[index][: len(weights)] = np.array(weights, np.float32)


def _shrink(length: int, size: int, pixel: int) -> tuple[int, list[float]]:
    """Return the first source pixel and the weights of a target pixel when shrinking.

    The weight is the fraction of the target pixel that a source pixel covers; overlaps below 0.001 are ignored.
    """
    scale = 1 / (size / length)
    low = pixel * scale
    high, cell = low + scale, min(scale, length - low)
    last = min(int(np.floor(high)), length - 1)
    first = min(int(np.ceil(low)), last)
    before = [(first - low) / cell] if first - low > 1e-3 else []
    after = [min(high - last, 1.0, cell) / cell] if high - last > 1e-3 else []
    return first - len(before), [*before, *[1 / cell] * (last - first), *after]


def _enlarge(length: int, size: int, pixel: int) -> tuple[int, list[float]]:
    """Return the first source pixel and the weights of a target pixel when enlarging.

    There are two source pixels if the edge between them is inside the target pixel, otherwise one.
    """
    start = int(np.floor(pixel * (1 / (size / length))))
    fraction = np.float32(max((pixel + 1) - (start + 1) * (size / length), 0.0))
    fraction = fraction - np.floor(fraction)
    if start >= length - 1 or fraction <= 0:
        return min(start, length - 1), [1.0]
    return start, [1 - fraction, fraction]
