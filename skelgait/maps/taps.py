"""Which pixels make up each pixel of a resized line, and with what weights: OpenCV's INTER_AREA."""

from __future__ import annotations

from functools import cache

import numpy as np

from skelgait.maps.kernels import Taps


@cache
def resizing_taps(canvas_px: int, size_px: int) -> Taps:
    """The taps of all lengths up to `canvas_px`."""
    most = max(canvas_px // size_px + 2, 2)
    shape = (2, canvas_px + 1, size_px)
    taps = Taps(np.zeros(shape, np.int64), np.ones(shape, np.int64), np.zeros((*shape, most)))
    for length in range(1, canvas_px + 1):
        for place in range(size_px):
            if length >= size_px:
                _set(taps, (0, length, place), *_cell(length, size_px, place))
            _set(taps, (1, length, place), *_between(length, size_px, place))
    return taps


def _set(taps: Taps, at: tuple[int, int, int], start: int, weights: list[float]) -> None:
    taps.starts[at], taps.counts[at] = start, len(weights)
    taps.weights[at][: len(weights)] = np.array(weights, np.float32)


def _cell(length: int, size: int, place: int) -> tuple[int, list[float]]:
    """Shrinking: every pixel of the cell by the share of it that lies in the cell; shares below 0.001 do not count."""
    scale = 1 / (size / length)
    low = place * scale
    high, cell = low + scale, min(scale, length - low)
    last = min(int(np.floor(high)), length - 1)
    first = min(int(np.ceil(low)), last)
    before = [(first - low) / cell] if first - low > 1e-3 else []
    after = [min(high - last, 1.0, cell) / cell] if high - last > 1e-3 else []
    return first - len(before), [*before, *[1 / cell] * (last - first), *after]


def _between(length: int, size: int, place: int) -> tuple[int, list[float]]:
    """Enlarging: one pixel, or two where the edge between them lies within the pixel."""
    start = int(np.floor(place * (1 / (size / length))))
    share = np.float32(max((place + 1) - (start + 1) * (size / length), 0.0))
    share = share - np.floor(share)
    if start >= length - 1 or share <= 0:
        return min(start, length - 1), [1.0]
    return start, [1 - share, share]
