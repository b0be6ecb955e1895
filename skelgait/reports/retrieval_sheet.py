"""Picture of retrieval results: each probe with its nearest gallery entries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage import Key, SequenceSource
from skelgait.storage.atomic import atomic_write
from skelgait.viz.contact_sheet import Picture, overlay

if TYPE_CHECKING:
    from skelgait.evaluation.retrieval import Neighbor, Retrieved

# Evenly spaced frames of each sequence, cut to the 44 of 64 columns that a network sees.
_FRAMES = 3
_FRAME_HEIGHT = 112
_FRAME_WIDTH = 77
_FRAME_GAP = 2
_INNER_WIDTH = _FRAMES * _FRAME_WIDTH + (_FRAMES - 1) * _FRAME_GAP
_BORDER = 6
_WIDTH = _INNER_WIDTH + 2 * _BORDER
# Pixels between cells, and between the probe and its neighbors.
_GAP, _PROBE_GAP = 10, 34
_HEADER = 30
_LINE = 19
_LINES = 3
_MARK = 22

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Colors in BGR order.
_INK, _PALE, _WHITE = (40, 40, 40), (150, 150, 150), (255, 255, 255)
_CORRECT, _WRONG, _PROBE = (70, 140, 0), (40, 30, 205), (120, 120, 120)


def retrieval_sheet(retrieved: Sequence[Retrieved], source: SequenceSource | None) -> Picture:
    """Return a picture of retrieval results, (H, W, 3) uint8 in BGR order.

    Each row has frames of a probe and of its nearest gallery entries, nearest first. Correct entries have a green
    border and a tick, wrong ones a red border and a cross. Linked pairs are shown as maps above silhouettes.

    Args:
        retrieved: probes with their nearest gallery entries.
        source: source of the sequences. Without it, or if a sequence cannot be read, only the name is shown.

    Raises:
        DataError: if there is no probe.
    """
    if not retrieved:
        raise DataError("retrieval", "no probe", "at least one probe", "choose a group with probes and a gallery")
    frames = _Frames(source)
    n_nearest = max(len(result.nearest) for result in retrieved)
    rows = [_row(result, n_nearest, frames) for result in retrieved]
    gap = np.full((_GAP, rows[0].shape[1], 3), 255, np.uint8)
    spaced = [image for row in rows for image in (row, gap)]
    return np.concatenate([_header(n_nearest, rows[0].shape[1]), *spaced])


def save_retrieval_sheet(path: Path, retrieved: Sequence[Retrieved], source: SequenceSource | None) -> None:
    """Save a picture of retrieval results as PNG, atomically; arguments as in `retrieval_sheet`.

    Raises:
        DataError: if there is no probe, or the file cannot be written.
    """
    # Half the size of OpenCV's default; the HTML page embeds one sheet per group.
    encoded = cv2.imencode(".png", retrieval_sheet(retrieved, source), [cv2.IMWRITE_PNG_COMPRESSION, 6])[1]
    with atomic_write(path) as partial:
        partial.write_bytes(encoded.tobytes())


class _Frames:
    """Frames of sequences as pictures of equal size.

    Args:
        source: source of the sequences, or None.
    """

    def __init__(self, source: SequenceSource | None) -> None:
        self._source = source
        self._keys = frozenset(source.keys) if source else frozenset()
        shown = [modality for modality in (source.modalities if source else ()) if modality != "pose"]
        height = max(1, len(shown)) * (_FRAME_HEIGHT + _FRAME_GAP) - _FRAME_GAP
        self._blank = np.full((height, _INNER_WIDTH, 3), 245, np.uint8)
        _write(self._blank, "no maps available", 12, height // 2, _PALE)

    def picture(self, key: Key) -> Picture:
        """Return frames of a sequence side by side, one row per modality."""
        pictures = self._blank.copy()
        for row, frames in enumerate(self._read(key)):
            top = row * (_FRAME_HEIGHT + _FRAME_GAP)
            pictures[top : top + _FRAME_HEIGHT] = 255
            for i, frame in enumerate(frames):
                left = i * (_FRAME_WIDTH + _FRAME_GAP)
                pictures[top : top + _FRAME_HEIGHT, left : left + _FRAME_WIDTH] = _resized(frame)
        return pictures

    def _read(self, key: Key) -> list[list[Picture]]:
        """Return frames of each modality; an empty list if the sequence is empty or cannot be read."""
        if self._source is None or key not in self._keys:
            return []
        try:
            arrays = dict(zip(self._source.modalities, self._source.read(key, _evenly_spaced), strict=True))
        except DataError:
            return []
        rows = []
        if "map" in arrays:
            rows.append([overlay(maps) for maps in arrays["map"]])
        if "silhouette" in arrays:
            rows.append([np.repeat(image[..., None], 3, axis=2) for image in arrays["silhouette"]])
        return rows if all(rows) else []


def _evenly_spaced(length: int) -> NDArray[np.int64]:
    n = min(length, _FRAMES)
    return ((np.arange(n) + 0.5) * length / max(n, 1)).astype(np.int64)


def _resized(frame: NDArray[Any]) -> Picture:
    """Return a frame at the common size; its width is cropped or padded with black, centered."""
    width = round(frame.shape[1] * _FRAME_HEIGHT / frame.shape[0])
    scaled = cv2.resize(frame, (width, _FRAME_HEIGHT), interpolation=cv2.INTER_LINEAR)
    margin = max(0, width - _FRAME_WIDTH) // 2
    scaled = scaled[:, margin : margin + _FRAME_WIDTH]
    picture = np.zeros((_FRAME_HEIGHT, _FRAME_WIDTH, 3), np.uint8)
    left = (_FRAME_WIDTH - scaled.shape[1]) // 2
    picture[:, left : left + scaled.shape[1]] = scaled
    return picture


def _header(n_nearest: int, width: int) -> Picture:
    header = np.full((_HEADER, width, 3), 255, np.uint8)
    _write(header, "probe", _GAP + _BORDER, 21, _INK)
    for i in range(n_nearest):
        name = "nearest gallery entry" if i == 0 else str(i + 1)
        _write(header, name, _left(i) + _BORDER, 21, _INK)
    return header


def _left(i: int) -> int:
    """Return the left edge of the cell of the i-th neighbor, in pixels."""
    return _GAP + _WIDTH + _PROBE_GAP + i * (_WIDTH + _GAP)


def _row(retrieved: Retrieved, n_nearest: int, frames: _Frames) -> Picture:
    cells = [_cell(retrieved.probe, None, frames), *(_cell(near.key, near, frames) for near in retrieved.nearest)]
    row = np.full((cells[0].shape[0], _left(n_nearest), 3), 255, np.uint8)
    for left, cell in zip([_GAP, *map(_left, range(n_nearest))], cells, strict=False):
        row[:, left : left + _WIDTH] = cell
    return row


def _cell(key: Key, near: Neighbor | None, frames: _Frames) -> Picture:
    """Return a sequence with border and caption; `near` is None for the probe."""
    color = _PROBE if near is None else _CORRECT if near.is_right else _WRONG
    pictures = frames.picture(key)
    height = pictures.shape[0] + 2 * _BORDER
    cell = np.full((height + _LINES * _LINE + 6, _WIDTH, 3), 255, np.uint8)
    cell[:height] = color
    cell[_BORDER : height - _BORDER, _BORDER:-_BORDER] = pictures
    below = height + _LINE - 4
    mark_width = 0 if near is None else _MARK + 6
    _write(cell, key.identity, 2, below, _INK, margin=mark_width, weight=2)
    _write(cell, f"{key.condition}  {key.view}", 2, below + _LINE, _INK)
    if near is not None:
        verdict = "correct" if near.is_right else "wrong"
        _write(cell, f"{verdict}, distance {near.distance:#.4g}", 2, below + 2 * _LINE, color)
        _draw_mark(cell, near.is_right, _WIDTH - _MARK, height + 3, color)
    return cell


def _draw_mark(cell: Picture, is_right: bool, left: int, top: int, color: tuple[int, int, int]) -> None:
    """Draw a tick or a cross, so that the result is visible without colors."""
    size = _MARK - 6
    lines = [((0, size // 2), (size // 3, size)), ((size // 3, size), (size, 0))]
    if not is_right:
        lines = [((0, 0), (size, size)), ((0, size), (size, 0))]
    for (x, y), (to_x, to_y) in lines:
        cv2.line(cell, (left + x, top + y), (left + to_x, top + to_y), color, 3, cv2.LINE_AA)


def _write(
    picture: Picture, text: str, x: int, y: int, color: tuple[int, int, int], *, margin: int = 0, weight: int = 1
) -> None:
    """Write a line of text, cut to the width of the picture, at most a cell, minus `margin` pixels on the right."""
    width = min(picture.shape[1] - x, _WIDTH) - margin - 4
    cv2.putText(picture, fit_text(text, width, weight), (x, y), _FONT, 0.47, color, weight, cv2.LINE_AA)


def fit_text(text: str, width_px: int, weight: int = 1) -> str:
    """Return text that OpenCV can draw, cut to a width with `..`; other characters than ASCII become `?`."""
    drawn = "".join(c if " " <= c <= "~" else "?" for c in text)
    if _width(drawn, weight) <= width_px:
        return drawn
    while drawn and _width(f"{drawn}..", weight) > width_px:
        drawn = drawn[:-1]
    return f"{drawn}.."


def _width(text: str, weight: int) -> int:
    return int(cv2.getTextSize(text, _FONT, 0.47, weight)[0][0])
