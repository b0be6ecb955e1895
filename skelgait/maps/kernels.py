"""The compiled loops that draw maps: place limbs and joints, draw them, find gray levels, crop, resize.

A limb or joint of confidence c is a Gaussian, c exp(-d^2 / 2 sigma^2) at distance d, and the largest of them counts at
a pixel (SkeletonGait, equations 3 and 4). Here all is drawn in the log domain: q = d^2 / 2 sigma^2 - ln c, of which the
smallest counts, without an exponential for each limb. A joint is drawn as a limb of no length.

The canvas lies in memory as strips of `STRIP` rows, (strips, columns, STRIP): the innermost loops run over a constant
number of neighbors, which compilers turn into vector instructions without a remainder.

All of it is in one file, with its constants, since numba keeps compiled code until the file that it stands in changes;
changes in other files, which it calls, go unnoticed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

LIMB, JOINT = 0, 1
"""Channels of a skeleton map."""

STRIP = 16

# The least confidence that is drawn.
_VISIBLE = 1e-3
# Added to q where a window ends.
_FAR = 1e9
# From this q on, a little above ln 256, a pixel is black.
_DARK = 5.55
# 256 exp(-q) is the 16th power of a polynomial within 3e-10. The 1e-9 is for levels that are hit exactly: rounding must
# not bring them below.
_ROOT = Chebyshev.interpolate(lambda q: ((1 + 1e-9) * 256 * np.exp(-q)) ** (1 / 16), 6, domain=[0, _DARK])
_C0, _C1, _C2, _C3, _C4, _C5, _C6 = (float(c) for c in _ROOT.convert(kind=Polynomial).coef)

_exactly = njit(cache=True, nogil=True, error_model="numpy")
# For loops in which no value is NaN or infinite, so that they run on vectors.
_fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "ninf", "nsz", "contract"})


class Parts(NamedTuple):
    """Up to n limbs or joints of a frame, placed on the canvas.

    Attributes:
        windows: (n, 4) int64: first and past-the-last column, first and past-the-last row.
        lines: (n, 6): x and y of the middle in px; direction and half of the length, all by 1 / (sqrt(2) sigma); -ln c.
    """

    windows: NDArray[np.int64]
    lines: NDArray[np.float64]


class Taps(NamedTuple):
    """Which pixels of a line of some length make up each pixel of the resized line, and with what weights.

    Attributes:
        starts: (2, canvas + 1, size) first pixel, by whether the picture is enlarged, by length, by pixel.
        counts: (2, canvas + 1, size) number of pixels.
        weights: (2, canvas + 1, size, most) their weights.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]


@_exactly
def draw_frames(maps, xy, confidence, sigma, limbs, cropping, taps, parts, strips):  # type: ignore[no-untyped-def]
    """Draw all frames.

    Args:
        maps: (T, 2, size, size) uint8, black, is written to.
        xy: (T, V, 2) float64 joints on the canvas.
        confidence: (T, V) float64.
        sigma: width of the Gaussians, px.
        limbs: (L, 2) joints at the ends.
        cropping: whether to crop, and the rows kept above and below.
        taps: those of the canvas and the size.
        parts: room for V or L of them, whichever is more.
        strips: (n, canvas, STRIP) room for one channel.
    """
    n_strips, canvas = strips.shape[:2]
    reaches = np.zeros((n_strips, 2), np.int64)
    brightest = np.zeros((n_strips, STRIP))
    lines = np.zeros(n_strips * STRIP)
    for t in range(len(xy)):
        for channel in (LIMB, JOINT):
            if channel == LIMB:
                n = _place_limbs(parts, xy[t], confidence[t], limbs, sigma, canvas)
            else:
                n = _place_joints(parts, xy[t], confidence[t], sigma, canvas)
            brightest[:] = 0
            for s in range(n_strips):
                first, last = _draw_strip(strips[s], parts, n, s * STRIP)
                reaches[s, 0], reaches[s, 1] = first, last
                _to_grey(strips[s, first:last], brightest[s])
            crop = crop_limits(brightest.reshape(-1), canvas, *cropping)
            if crop[1] > 0:
                resize(maps[t, channel], strips, reaches, crop, taps, lines)


@_exactly
def _place_limbs(parts: Parts, xy: Any, confidence: Any, limbs: Any, sigma: float, canvas: int) -> int:
    """Place the limbs of a frame; returns how many there are.

    Args:
        parts: is written to.
        xy: (V, 2) joints on the canvas.
        confidence: (V,); a limb has the smaller one of its ends.
        limbs: (L, 2) joints at the ends.
        sigma: width of the Gaussians, px.
        canvas: side of the canvas, px.
    """
    n = 0
    for a, b in limbs:
        if not min(confidence[a], confidence[b]) >= _VISIBLE:
            continue
        if (xy[b, 0] - xy[a, 0]) ** 2 + (xy[b, 1] - xy[a, 1]) ** 2 < 1:
            n = _place(parts, n, xy[a], xy[a], confidence[a], sigma, canvas)
        else:
            n = _place(parts, n, xy[a], xy[b], min(confidence[a], confidence[b]), sigma, canvas)
    return n


@_exactly
def _place_joints(parts: Parts, xy: Any, confidence: Any, sigma: float, canvas: int) -> int:
    """Place the joints of a frame; returns how many there are. Arguments as of `_place_limbs`."""
    n = 0
    for j in range(len(xy)):
        if confidence[j] >= _VISIBLE:
            n = _place(parts, n, xy[j], xy[j], confidence[j], sigma, canvas)
    return n


@_exactly
def _place(parts, n, start, end, confidence, sigma, canvas):  # type: ignore[no-untyped-def]
    """Place one more limb, if any of its window is on the canvas."""
    left, right = _window(min(start[0], end[0]), max(start[0], end[0]), sigma, canvas)
    top, bottom = _window(min(start[1], end[1]), max(start[1], end[1]), sigma, canvas)
    if left == right or top == bottom:
        return n
    dx, dy = end[0] - start[0], end[1] - start[1]
    length, scale = np.sqrt(dx * dx + dy * dy), 1 / (np.sqrt(2.0) * sigma)
    along_x, along_y = (scale * dx / length, scale * dy / length) if length > 0 else (scale, 0.0)
    middle_x, middle_y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    parts.windows[n] = left, right, top, bottom
    parts.lines[n] = middle_x, middle_y, along_x, along_y, scale * length / 2, -np.log(confidence)
    return n + 1


@_exactly
def _window(low, high, sigma, canvas):  # type: ignore[no-untyped-def]
    """First and past-the-last pixel within 3 sigma of low to high; int() truncates towards zero."""
    # Clipped before the conversion, as not every float fits into an integer.
    first = max(int(max(low - 3 * sigma, -1.0)), 0)
    return first, max(min(int(min(high + 3 * sigma, float(canvas))) + 1, canvas), first)


@_exactly
def _draw_strip(columns, parts, n, row):  # type: ignore[no-untyped-def]
    """Draw the strip that begins at `row`; returns its first and past-the-last column that anything reaches.

    Args:
        columns: (canvas, STRIP) is written to: q, `_DARK` where nothing is seen; only within the returned columns.
        parts: what is drawn.
        n: how many there are.
        row: first row of the strip.
    """
    windows, lines = parts.windows, parts.lines
    first, last = len(columns), 0
    for i in range(n):
        if windows[i, 2] < row + STRIP and windows[i, 3] > row:
            first, last = min(first, windows[i, 0]), max(last, windows[i, 1])
    columns[first:last] = _DARK
    for i in range(n):
        if windows[i, 2] < row + STRIP and windows[i, 3] > row:
            left, top, bottom = windows[i, 0], windows[i, 2] - row, windows[i, 3] - row
            dx, dy = left - lines[i, 0], row - lines[i, 1]
            own = columns[left : windows[i, 1]]
            _draw_limb(own, dx, dy, lines[i, 2], lines[i, 3], lines[i, 4], lines[i, 5], top, bottom)
    return first, last


@_fast
def _draw_limb(columns, dx, dy, along_x, along_y, half, offset, top, bottom):  # type: ignore[no-untyped-def]
    """Draw a limb into rows `top` to `bottom` of columns; (dx, dy) is from its middle to their first pixel."""
    for j in range(len(columns)):
        column = columns[j]
        along = (dx + j) * along_x + dy * along_y
        across = (dx + j) * along_y - dy * along_x
        for k in range(STRIP):
            beyond = abs(along + k * along_y) - half
            beyond = beyond if beyond > 0.0 else 0.0
            aside = across - k * along_x
            q = aside * aside + (beyond * beyond + (offset if top <= k < bottom else _FAR))
            column[k] = q if q < column[k] else column[k]


@_fast
def _to_grey(columns, brightest):  # type: ignore[no-untyped-def]
    """Replace each q by its gray level / 255, and raise `brightest` to it.

    The value v = exp(-q) of a pixel becomes level min(int(256 v), 255), and then one less at 24 levels: OpenGait
    drew with a plotting library whose gray map puts these lower.

    Args:
        columns: (n, rows) of a strip.
        brightest: (rows,) the largest value of each row so far.
    """
    for j in range(len(columns)):
        column = columns[j]
        for k in range(len(brightest)):
            q = column[k] if column[k] > 0.0 else 0.0
            v = _C0 + q * (_C1 + q * (_C2 + q * (_C3 + q * (_C4 + q * (_C5 + q * _C6)))))
            v *= v
            v *= v
            v *= v
            v *= v
            level = np.floor(v if v < 255.0 else 255.0)
            # One less where that plotting library's arithmetic ends a little below the level.
            value = np.floor(level * (1 / 255) * 255) / 255
            column[k] = value
            brightest[k] = value if value > brightest[k] else brightest[k]


@_exactly
def crop_limits(brightest, canvas, is_aligned, offset):  # type: ignore[no-untyped-def]
    """First and past-the-last row and column of the crop; all 0 where the map is black.

    Args:
        brightest: (rows,) the largest value of each row.
        canvas: side of the canvas.
        is_aligned: whether to crop: to the rows that are not black, as wide as high about the middle.
        offset: rows kept above and below, as far as the canvas goes.
    """
    top, bottom = 0, canvas
    while top < canvas and brightest[top] == 0:
        top += 1
    if top == canvas:
        return 0, 0, 0, 0
    if not is_aligned:
        return 0, canvas, 0, canvas
    while brightest[bottom - 1] == 0:
        bottom -= 1
    top, bottom = max(top - offset, 0), min(bottom + offset, canvas)
    half, middle = (bottom - top) // 2, canvas // 2
    return top, bottom, max(middle - half, 0), min(middle + half + 1, canvas)


@_exactly
def resize(target, strips, reaches, crop, taps, lines):  # type: ignore[no-untyped-def]
    """Resize the crop of a picture to `target`; fractions of a gray level are cut off.

    Args:
        target: (size, size) uint8, is written to.
        strips: (n, canvas, STRIP) gray levels / 255.
        reaches: (n, 2) first and past-the-last column of each strip that is not black.
        crop: as of `crop_limits`.
        taps: as of `resizing_taps`.
        lines: (n * STRIP,) room for one column.
    """
    size = len(target)
    top, bottom, left, right = crop
    height, width = bottom - top, right - left
    if height % size == 0 and width % size == 0:
        _average_cells(target, strips, reaches, crop)
        return
    enlarged = int(height < size or width < size)
    starts, counts, weights = taps.starts[enlarged], taps.counts[enlarged], taps.weights[enlarged]
    for x in range(size):
        first = left + starts[width, x]
        last = first + counts[width, x]
        is_black = True
        for s in range(len(strips)):
            a, b = max(first, reaches[s, 0]), min(last, reaches[s, 1])
            is_black &= a >= b
            own = weights[width, x, a - first : b - first]
            _sum_columns(lines[s * STRIP : (s + 1) * STRIP], strips[s, a:b], own)
        if is_black:
            target[:, x] = 0
            continue
        line = lines[top:bottom]
        for y in range(size):
            value = 0.0
            start = starts[height, y]
            for k in range(counts[height, y]):
                value += weights[height, y, k] * line[start + k]
            target[y, x] = np.uint8(int(value * 255.0))


@_exactly
def _sum_columns(line, columns, weights):  # type: ignore[no-untyped-def]
    for k in range(STRIP):
        line[k] = 0.0
    for j in range(len(columns)):
        column, weight = columns[j], weights[j]
        for k in range(STRIP):
            line[k] += weight * column[k]


@_exactly
def _average_cells(target, strips, reaches, crop):  # type: ignore[no-untyped-def]
    """Resize by whole factors: the mean of each cell, its pixels summed in fours, row by row."""
    for s in range(len(strips)):
        strips[s, : reaches[s, 0]] = 0
        strips[s, reaches[s, 1] :] = 0
    size, (top, bottom, left, right) = len(target), crop
    rows, columns = (bottom - top) // size, (right - left) // size
    in_fours = rows * columns // 4 * 4
    scale = np.float64(np.float32(1.0) / np.float32(rows * columns))
    lines = np.empty((columns, len(strips) * STRIP))
    for x in range(size):
        for j in range(columns):
            for s in range(len(strips)):
                for k in range(STRIP):
                    lines[j, s * STRIP + k] = strips[s, left + x * columns + j, k]
        if rows == columns == 2:  # by far the most frequent case, and four times as fast
            a, b = lines[0, top:bottom], lines[1, top:bottom]
            for y in range(size):
                value = a[2 * y] + b[2 * y] + a[2 * y + 1] + b[2 * y + 1]
                target[y, x] = np.uint8(int(value * scale * 255.0))
            continue
        for y in range(size):
            value = four = 0.0
            for i in range(rows * columns):
                four += lines[i % columns, top + y * rows + i // columns]
                if i % 4 == 3 or i >= in_fours:
                    value += four
                    four = 0.0
            target[y, x] = np.uint8(int(value * scale * 255.0))
