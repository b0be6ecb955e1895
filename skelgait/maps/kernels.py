"""Compiled loops that draw skeleton maps: place limbs and joints, draw them, compute gray levels, crop, resize.

A limb or joint with confidence c is a Gaussian: its value at distance d is c exp(-d^2 / 2 sigma^2). A pixel takes the
largest value of all limbs or joints (SkeletonGait, equations 3 and 4). The loops work in the log domain: they compute
q = d^2 / 2 sigma^2 - ln c and keep the smallest q, so that one exponential per pixel is enough. A joint is drawn as a
limb of length 0.

The canvas is stored as strips of `STRIP` rows, in an array (strips, columns, STRIP). The innermost loops then have a
constant length, which the compiler turns into vector instructions without a remainder loop.

All compiled functions and their constants are in this one file, because numba caches compiled code per file and does
not notice changes in other files.
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

# Joints and limbs with a lower confidence are not drawn.
_MIN_CONFIDENCE = 1e-3
# Added to q outside the window of a limb.
_FAR = 1e9
# Pixels with this q or more are black; slightly above ln 256.
_DARK = 5.55
# 256 exp(-q) is approximated by the 16th power of a polynomial, with an error below 3e-10. The factor 1 + 1e-9 keeps
# values that are exactly a gray level from being rounded below it.
_ROOT = Chebyshev.interpolate(lambda q: ((1 + 1e-9) * 256 * np.exp(-q)) ** (1 / 16), 6, domain=[0, _DARK])
_C0, _C1, _C2, _C3, _C4, _C5, _C6 = (float(c) for c in _ROOT.convert(kind=Polynomial).coef)

_strict = njit(cache=True, nogil=True, error_model="numpy")
# Only for loops without NaN and infinite values; allows vector instructions.
_fast = njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "ninf", "nsz", "contract"})


class Segments(NamedTuple):
    """Up to n limbs or joints of one frame, placed on the canvas.

    Attributes:
        windows: (n, 4) int64: first column, end column, first row, end row; ends are exclusive.
        lines: (n, 6) float64: x and y of the center in px; x and y of the direction and half the length, these three
            multiplied by 1 / (sqrt(2) sigma); -ln c.
    """

    windows: NDArray[np.int64]
    lines: NDArray[np.float64]


class ResizeWeights(NamedTuple):
    """Source pixels and weights of each pixel of a resized line, for every source length up to the canvas size.

    The first axis is 0 for shrinking and 1 for enlarging, the second the source length, the third the target pixel.

    Attributes:
        starts: (2, canvas + 1, size) int64 first source pixel.
        counts: (2, canvas + 1, size) int64 number of source pixels.
        weights: (2, canvas + 1, size, max_count) float64 weight of each source pixel; unused entries are 0.
    """

    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: NDArray[np.float64]


@_strict
def draw_frames(maps, xy, confidence, sigma, limbs, cropping, resizing, segments, strips):  # type: ignore[no-untyped-def]
    """Draw all frames into `maps`.

    Args:
        maps: output, (T, 2, size, size) uint8, initially 0.
        xy: (T, V, 2) float64 joint coordinates on the canvas, px.
        confidence: (T, V) float64 confidence of the joints.
        sigma: standard deviation of the Gaussians, px.
        limbs: (L, 2) int64 joint indices of the limb ends.
        cropping: pair (crop, offset) as in `crop_limits`.
        resizing: `ResizeWeights` of the canvas size and the map size.
        segments: buffer, `Segments` for max(V, L) entries.
        strips: buffer, (n, canvas, STRIP) float64 for one channel.
    """
    n_strips, canvas = strips.shape[:2]
    reaches = np.zeros((n_strips, 2), np.int64)
    brightest = np.zeros((n_strips, STRIP))
    lines = np.zeros(n_strips * STRIP)
    for t in range(len(xy)):
        for channel in (LIMB, JOINT):
            if channel == LIMB:
                n = _place_limbs(segments, xy[t], confidence[t], limbs, sigma, canvas)
            else:
                n = _place_joints(segments, xy[t], confidence[t], sigma, canvas)
            brightest[:] = 0
            for s in range(n_strips):
                first, last = _draw_strip(strips[s], segments, n, s * STRIP)
                reaches[s, 0], reaches[s, 1] = first, last
                _to_gray(strips[s, first:last], brightest[s])
            crop = crop_limits(brightest.reshape(-1), canvas, *cropping)
            if crop[1] > 0:
                resize(maps[t, channel], strips, reaches, crop, resizing, lines)


@_strict
def _place_limbs(segments: Segments, xy: Any, confidence: Any, limbs: Any, sigma: float, canvas: int) -> int:
    """Place the limbs of a frame; return their number.

    The confidence of a limb is the smaller one of its two joints. A limb shorter than 1 px is drawn as its first joint.

    Args:
        segments: output.
        xy: (V, 2) joint coordinates on the canvas, px.
        confidence: (V,) confidence of the joints.
        limbs: (L, 2) joint indices of the limb ends.
        sigma: standard deviation of the Gaussians, px.
        canvas: side of the canvas, px.
    """
    n = 0
    for a, b in limbs:
        if not min(confidence[a], confidence[b]) >= _MIN_CONFIDENCE:
            continue
        if (xy[b, 0] - xy[a, 0]) ** 2 + (xy[b, 1] - xy[a, 1]) ** 2 < 1:
            n = _place(segments, n, xy[a], xy[a], confidence[a], sigma, canvas)
        else:
            n = _place(segments, n, xy[a], xy[b], min(confidence[a], confidence[b]), sigma, canvas)
    return n


@_strict
def _place_joints(segments: Segments, xy: Any, confidence: Any, sigma: float, canvas: int) -> int:
    """Place the joints of a frame; return their number. Arguments as in `_place_limbs`."""
    n = 0
    for j in range(len(xy)):
        if confidence[j] >= _MIN_CONFIDENCE:
            n = _place(segments, n, xy[j], xy[j], confidence[j], sigma, canvas)
    return n


@_strict
def _place(segments, n, start, end, confidence, sigma, canvas):  # type: ignore[no-untyped-def]
    """Append one limb to the n segments if its window overlaps the canvas; return the new number of segments."""
    left, right = _window(min(start[0], end[0]), max(start[0], end[0]), sigma, canvas)
    top, bottom = _window(min(start[1], end[1]), max(start[1], end[1]), sigma, canvas)
    if left == right or top == bottom:
        return n
    dx, dy = end[0] - start[0], end[1] - start[1]
    length, scale = np.sqrt(dx * dx + dy * dy), 1 / (np.sqrt(2.0) * sigma)
    along_x, along_y = (scale * dx / length, scale * dy / length) if length > 0 else (scale, 0.0)
    center_x, center_y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    segments.windows[n] = left, right, top, bottom
    segments.lines[n] = center_x, center_y, along_x, along_y, scale * length / 2, -np.log(confidence)
    return n + 1


@_strict
def _window(low, high, sigma, canvas):  # type: ignore[no-untyped-def]
    """Return the first and end pixel within 3 sigma of the range low to high; int() truncates towards zero."""
    # Clip before the conversion: large floats do not fit into an integer.
    first = max(int(max(low - 3 * sigma, -1.0)), 0)
    return first, max(min(int(min(high + 3 * sigma, float(canvas))) + 1, canvas), first)


@_strict
def _draw_strip(columns, segments, n, row):  # type: ignore[no-untyped-def]
    """Draw one strip; return its first and end column with content.

    Args:
        columns: output, (canvas, STRIP) values of q, `_DARK` if black; only the returned columns are written.
        segments: limbs or joints to draw.
        n: number of segments.
        row: first row of the strip.
    """
    windows, lines = segments.windows, segments.lines
    first, last = len(columns), 0
    for i in range(n):
        if windows[i, 2] < row + STRIP and windows[i, 3] > row:
            first, last = min(first, windows[i, 0]), max(last, windows[i, 1])
    columns[first:last] = _DARK
    for i in range(n):
        if windows[i, 2] < row + STRIP and windows[i, 3] > row:
            left, top, bottom = windows[i, 0], windows[i, 2] - row, windows[i, 3] - row
            dx, dy = left - lines[i, 0], row - lines[i, 1]
            window = columns[left : windows[i, 1]]
            _draw_limb(window, dx, dy, lines[i, 2], lines[i, 3], lines[i, 4], lines[i, 5], top, bottom)
    return first, last


@_fast
def _draw_limb(columns, dx, dy, along_x, along_y, half, offset, top, bottom):  # type: ignore[no-untyped-def]
    """Draw a limb into rows `top` to `bottom` of the columns.

    Args:
        columns: (n, STRIP) values of q, updated.
        dx: x of the first pixel relative to the center of the limb, px.
        dy: y of the first pixel relative to the center of the limb, px.
        along_x: x of the direction, as in `Segments.lines`.
        along_y: y of the direction.
        half: half the length, as in `Segments.lines`.
        offset: -ln of the confidence.
        top: first row to draw.
        bottom: end row.
    """
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
def _to_gray(columns, brightest):  # type: ignore[no-untyped-def]
    """Replace each q by its gray level / 255, and update the maximum of each row.

    The value v = exp(-q) of a pixel becomes the gray level min(int(256 v), 255). At 24 levels it is one less, because
    the plotting library of OpenGait rounds these levels down in its gray color map.

    Args:
        columns: (n, rows) values of q, updated to gray levels / 255.
        brightest: (rows,) maximum of each row so far, updated.
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
            # This rounding lowers the 24 levels by one.
            value = np.floor(level * (1 / 255) * 255) / 255
            column[k] = value
            brightest[k] = value if value > brightest[k] else brightest[k]


@_strict
def crop_limits(brightest, canvas, crop, offset):  # type: ignore[no-untyped-def]
    """Return the first row, end row, first column and end column of the crop; all 0 if the map is black.

    Args:
        brightest: (rows,) maximum of each row.
        canvas: side of the canvas, px.
        crop: True: crop to the rows that are not black, with an equal width around the center; False: whole canvas.
        offset: rows to keep above and below the content, limited by the canvas.
    """
    top, bottom = 0, canvas
    while top < canvas and brightest[top] == 0:
        top += 1
    if top == canvas:
        return 0, 0, 0, 0
    if not crop:
        return 0, canvas, 0, canvas
    while brightest[bottom - 1] == 0:
        bottom -= 1
    top, bottom = max(top - offset, 0), min(bottom + offset, canvas)
    half, center = (bottom - top) // 2, canvas // 2
    return top, bottom, max(center - half, 0), min(center + half + 1, canvas)


@_strict
def resize(target, strips, reaches, crop, resizing, lines):  # type: ignore[no-untyped-def]
    """Resize the crop of an image to `target`, like OpenCV's INTER_AREA; gray levels are rounded down.

    Args:
        target: output, (size, size) uint8.
        strips: (n, canvas, STRIP) gray levels / 255.
        reaches: (n, 2) first and end column of the content of each strip.
        crop: limits as returned by `crop_limits`.
        resizing: `ResizeWeights` of the canvas size and the target size.
        lines: buffer, (n * STRIP,) for one column.
    """
    size = len(target)
    top, bottom, left, right = crop
    height, width = bottom - top, right - left
    if height % size == 0 and width % size == 0:
        _average_cells(target, strips, reaches, crop)
        return
    enlarged = int(height < size or width < size)
    starts, counts, weights = resizing.starts[enlarged], resizing.counts[enlarged], resizing.weights[enlarged]
    for x in range(size):
        first = left + starts[width, x]
        last = first + counts[width, x]
        is_black = True
        for s in range(len(strips)):
            a, b = max(first, reaches[s, 0]), min(last, reaches[s, 1])
            is_black &= a >= b
            column_weights = weights[width, x, a - first : b - first]
            _sum_columns(lines[s * STRIP : (s + 1) * STRIP], strips[s, a:b], column_weights)
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


@_strict
def _sum_columns(line, columns, weights):  # type: ignore[no-untyped-def]
    """Set `line` (STRIP,) to the weighted sum of the columns (n, STRIP)."""
    for k in range(STRIP):
        line[k] = 0.0
    for j in range(len(columns)):
        column, weight = columns[j], weights[j]
        for k in range(STRIP):
            line[k] += weight * column[k]


@_strict
def _average_cells(target, strips, reaches, crop):  # type: ignore[no-untyped-def]
    """Resize by whole factors: set each target pixel to the mean of its cell.

    The pixels of a cell are summed row by row in groups of four, the order that OpenCV uses.
    """
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
        if rows == columns == 2:  # fast path for the most frequent case
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
