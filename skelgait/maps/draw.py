"""Drawing limbs and joints as Gaussians on a canvas, straight to grey levels.

A limb or joint of confidence c draws c * exp(-d^2 / 2 sigma^2) at distance d, and the largest of them counts at a pixel
(SkeletonGait, equations 3 and 4). Here all is drawn in the log domain: q = d^2 / 2 sigma^2 - ln c, of which the
smallest counts, without an exponential a pixel. The grey level of q follows from thresholds: int(256 v) >= k where
q <= ln(256 / k).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17

LIMB, JOINT = 0, 1
"""Channels of a skeleton map."""

_LIMBS = COCO_17.limb_indices()
# The least confidence that is drawn.
_VISIBLE = 1e-3
# The grey map of the plotting library that the authors drew with puts these levels one lower.
_ONE_LOWER = (
    33, 37, 41, 45, 49, 53, 57, 61, 66, 74, 82, 90, 98, 106, 114, 122, 132, 148, 164, 180, 196, 212, 228, 244,
)  # fmt: skip
_GREYS = np.arange(256, dtype=np.uint8) - np.isin(np.arange(256), _ONE_LOWER)

# q <= thresholds[k] where the level is at least k. A bucket of q is narrower than any gap between thresholds: it has
# one grey level up to its limit, and the next lower one from there on.
_THRESHOLDS = np.concatenate([[1e9], np.log(256 / np.arange(1, 256))])
_BUCKETS_PER_UNIT = 512
_DARK = np.ceil(_THRESHOLDS[1] * _BUCKETS_PER_UNIT) / _BUCKETS_PER_UNIT
_LEVEL = np.searchsorted(-_THRESHOLDS, -np.arange(_DARK * _BUCKETS_PER_UNIT) / _BUCKETS_PER_UNIT, "right") - 1
_LIMIT, _GREY, _NEXT_GREY = _THRESHOLDS[_LEVEL], _GREYS[_LEVEL], _GREYS[np.maximum(_LEVEL, 1) - 1]


def draw(
    xy: NDArray[np.floating], confidence: NDArray[np.floating], canvas_px: int, sigma_px: float
) -> NDArray[np.uint8]:
    """Grey levels of limbs and joints, (T, 2, canvas, canvas): channel `LIMB` and channel `JOINT`.

    Args:
        xy: (T, 17, 2) coordinates on the canvas.
        confidence: (T, 17); a limb takes the smaller one of its ends.
        canvas_px: side of the canvas.
        sigma_px: width of the Gaussians.
    """
    levels = np.zeros((len(xy), 2, canvas_px, canvas_px), np.uint8)
    _draw_frames(levels, xy.astype(np.float64), confidence.astype(np.float64), sigma_px, _LIMBS)
    return levels


# No value here is ever NaN or infinite, and knowing that lets the loops run on vectors.
_fast = njit(cache=True, nogil=True, fastmath={"nnan", "ninf", "nsz"})


@njit(cache=True, nogil=True)
def _draw_frames(levels, xy, confidence, sigma, limbs):  # type: ignore[no-untyped-def]
    quotients = np.empty(levels.shape[2:])
    for t in range(len(xy)):
        quotients[:] = _DARK
        for a, b in limbs:
            _draw_limb(quotients, xy[t, a], xy[t, b], confidence[t, a], confidence[t, b], sigma)
        _to_levels(levels[t, 0], quotients)
        quotients[:] = _DARK
        for j in range(xy.shape[1]):
            _draw_joint(quotients, xy[t, j], confidence[t, j], sigma)
        _to_levels(levels[t, 1], quotients)


@njit(cache=True, nogil=True)
def _window(low, high, sigma, size):  # type: ignore[no-untyped-def]
    """First and past-the-last pixel within 3 sigma of low to high; int() truncates towards zero."""
    first = max(int(low - 3 * sigma), 0)
    return first, max(min(int(high + 3 * sigma) + 1, size), first)


@_fast
def _draw_joint(quotients, at, confidence, sigma):  # type: ignore[no-untyped-def]
    """A Gaussian is a product of two: in the log domain, one sum a pixel."""
    if not confidence >= _VISIBLE:
        return
    x0, x1 = _window(at[0], at[0], sigma, quotients.shape[1])
    y0, y1 = _window(at[1], at[1], sigma, quotients.shape[0])
    across = (np.arange(x0, x1) - at[0]) ** 2 / (2 * sigma**2) - np.log(confidence)
    for y in range(y0, y1):
        row = quotients[y, x0:x1]
        down = (y - at[1]) ** 2 / (2 * sigma**2)
        for i in range(len(row)):
            q = across[i] + down
            row[i] = q if q < row[i] else row[i]


@_fast
def _draw_limb(quotients, start, end, confidence_a, confidence_b, sigma):  # type: ignore[no-untyped-def]
    confidence = min(confidence_a, confidence_b)
    if not confidence >= _VISIBLE:
        return
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length2 = along_x**2 + along_y**2
    if length2 < 1:
        _draw_joint(quotients, start, confidence_a, sigma)
        return
    x0, x1 = _window(min(start[0], end[0]), max(start[0], end[0]), sigma, quotients.shape[1])
    y0, y1 = _window(min(start[1], end[1]), max(start[1], end[1]), sigma, quotients.shape[0])
    scale, offset = 1 / (2 * sigma**2), -np.log(confidence)
    unit_x, unit_y = along_x / length2, along_y / length2
    for y in range(y0, y1):
        row = quotients[y, x0:x1]
        dy = y - start[1]
        for i in range(len(row)):
            dx = (x0 + i) - start[0]
            share = dx * unit_x + dy * unit_y
            share = 0.0 if share < 0.0 else share
            share = 1.0 if share > 1.0 else share
            off_x, off_y = dx - share * along_x, dy - share * along_y
            q = (off_x * off_x + off_y * off_y) * scale + offset
            row[i] = q if q < row[i] else row[i]


@_fast
def _to_levels(levels, quotients):  # type: ignore[no-untyped-def]
    for y in range(levels.shape[0]):
        for x in range(levels.shape[1]):
            q = quotients[y, x]
            if q < _DARK:
                bucket = int((0.0 if q < 0.0 else q) * _BUCKETS_PER_UNIT)
                levels[y, x] = _GREY[bucket] if q <= _LIMIT[bucket] else _NEXT_GREY[bucket]
