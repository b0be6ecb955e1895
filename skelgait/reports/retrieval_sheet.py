"""A picture of what is retrieved: each probe, and beside it the gallery entries that are nearest to it."""

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

# Frames of a sequence that are shown, evenly spaced; each as wide as what a network sees, 44 of 64 columns.
_FRAMES = 3
_FRAME_HEIGHT = 112
_FRAME_WIDTH = 77
_BETWEEN_FRAMES = 2
_INNER_WIDTH = _FRAMES * _FRAME_WIDTH + (_FRAMES - 1) * _BETWEEN_FRAMES
_BORDER = 6
_WIDTH = _INNER_WIDTH + 2 * _BORDER
# Between cells; the probe stands further off.
_GAP, _PROBE_GAP = 10, 34
_HEADER = 30
_LINE = 19
_LINES = 3
_MARK = 22

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# In OpenCV's order: blue, green, red.
_INK, _PALE, _WHITE = (40, 40, 40), (150, 150, 150), (255, 255, 255)
_RIGHT, _WRONG, _PROBE = (70, 140, 0), (40, 30, 205), (120, 120, 120)


def retrieval_sheet(retrieved: Sequence[Retrieved], source: SequenceSource | None) -> Picture:
    """Draw what is retrieved, (H, W, 3) uint8 in OpenCV's order of colors.

    A row for each probe: some frames of the probe, and of its neighbors, the nearest first. Right ones have a green
    frame and a tick, wrong ones a red frame and a cross. Of linked pairs, the silhouettes stand below the maps.

    Args:
        retrieved: the probes and their neighbors.
        source: the sequences; where it is None, or a sequence cannot be read from it, there is text alone.

    Raises:
        DataError: there is no probe.
    """
    if not retrieved:
        raise DataError("retrieval", "no probe", "at least one", "choose a group with probes and a gallery")
    frames = _Frames(source)
    n_nearest = max(len(of.nearest) for of in retrieved)
    rows = [_row(of, n_nearest, frames) for of in retrieved]
    gap = np.full((_GAP, rows[0].shape[1], 3), 255, np.uint8)
    parts = [_header(n_nearest, rows[0].shape[1]), *(part for row in rows for part in (row, gap))]
    return np.concatenate(parts)


def save_retrieval_sheet(path: Path, retrieved: Sequence[Retrieved], source: SequenceSource | None) -> None:
    """Save such a picture as PNG, whole or not at all.

    Raises:
        DataError: there is no probe, or the file cannot be written.
    """
    # Half as large as with OpenCV's own choice, and a page holds a sheet for each group.
    encoded = cv2.imencode(".png", retrieval_sheet(retrieved, source), [cv2.IMWRITE_PNG_COMPRESSION, 6])[1]
    with atomic_write(path) as partial:
        partial.write_bytes(encoded.tobytes())


class _Frames:
    """Frames of sequences, as pictures of one size.

    Args:
        source: the sequences, or None.
    """

    def __init__(self, source: SequenceSource | None) -> None:
        self._source = source
        self._keys = frozenset(source.keys) if source else frozenset()
        shown = [of for of in (source.modalities if source else ()) if of != "pose"]
        height = max(1, len(shown)) * (_FRAME_HEIGHT + _BETWEEN_FRAMES) - _BETWEEN_FRAMES
        self._nothing = np.full((height, _INNER_WIDTH, 3), 245, np.uint8)
        _write(self._nothing, "no maps at hand", 12, height // 2, _PALE)

    def of(self, key: Key) -> Picture:
        """Frames of a sequence beside each other, a row for each modality."""
        pictures = self._nothing.copy()
        for row, frames in enumerate(self._read(key)):
            top = row * (_FRAME_HEIGHT + _BETWEEN_FRAMES)
            pictures[top : top + _FRAME_HEIGHT] = 255
            for i, frame in enumerate(frames):
                left = i * (_FRAME_WIDTH + _BETWEEN_FRAMES)
                pictures[top : top + _FRAME_HEIGHT, left : left + _FRAME_WIDTH] = _fitted(frame)
        return pictures

    def _read(self, key: Key) -> list[list[Picture]]:
        """Of each modality that can be shown, some frames; none where the sequence cannot be read or is empty."""
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


def _fitted(frame: NDArray[Any]) -> Picture:
    """A frame as high as all are; where it is too wide, its middle; where it is not wide enough, with black beside."""
    width = round(frame.shape[1] * _FRAME_HEIGHT / frame.shape[0])
    large = cv2.resize(frame, (width, _FRAME_HEIGHT), interpolation=cv2.INTER_LINEAR)
    cut = max(0, width - _FRAME_WIDTH) // 2
    large = large[:, cut : cut + _FRAME_WIDTH]
    fitted = np.zeros((_FRAME_HEIGHT, _FRAME_WIDTH, 3), np.uint8)
    left = (_FRAME_WIDTH - large.shape[1]) // 2
    fitted[:, left : left + large.shape[1]] = large
    return fitted


def _header(n_nearest: int, width: int) -> Picture:
    header = np.full((_HEADER, width, 3), 255, np.uint8)
    _write(header, "probe", _GAP + _BORDER, 21, _INK)
    for i in range(n_nearest):
        name = "nearest gallery entry" if i == 0 else str(i + 1)
        _write(header, name, _left(i) + _BORDER, 21, _INK)
    return header


def _left(i: int) -> int:
    """Where the cell of the i-th neighbor begins."""
    return _GAP + _WIDTH + _PROBE_GAP + i * (_WIDTH + _GAP)


def _row(retrieved: Retrieved, n_nearest: int, frames: _Frames) -> Picture:
    cells = [_cell(retrieved.probe, None, frames), *(_cell(near.key, near, frames) for near in retrieved.nearest)]
    row = np.full((cells[0].shape[0], _left(n_nearest), 3), 255, np.uint8)
    for left, cell in zip([_GAP, *map(_left, range(n_nearest))], cells, strict=False):
        row[:, left : left + _WIDTH] = cell
    return row


def _cell(key: Key, near: Neighbor | None, frames: _Frames) -> Picture:
    """A sequence in its frame, with its caption; the probe where `near` is None."""
    color = _PROBE if near is None else _RIGHT if near.is_right else _WRONG
    pictures = frames.of(key)
    height = pictures.shape[0] + 2 * _BORDER
    cell = np.full((height + _LINES * _LINE + 6, _WIDTH, 3), 255, np.uint8)
    cell[:height] = color
    cell[_BORDER : height - _BORDER, _BORDER:-_BORDER] = pictures
    below = height + _LINE - 4
    mark = 0 if near is None else _MARK + 6
    _write(cell, key.identity, 2, below, _INK, room=mark, weight=2)
    _write(cell, f"{key.condition}  {key.view}", 2, below + _LINE, _INK)
    if near is not None:
        said = "right" if near.is_right else "wrong"
        _write(cell, f"{said}, distance {near.distance:#.4g}", 2, below + 2 * _LINE, color)
        _draw_mark(cell, near.is_right, _WIDTH - _MARK, height + 3, color)
    return cell


def _draw_mark(cell: Picture, is_right: bool, left: int, top: int, color: tuple[int, int, int]) -> None:
    """A tick or a cross, to be told apart without colors."""
    size = _MARK - 6
    lines = [((0, size // 2), (size // 3, size)), ((size // 3, size), (size, 0))]
    if not is_right:
        lines = [((0, 0), (size, size)), ((0, size), (size, 0))]
    for (x, y), (to_x, to_y) in lines:
        cv2.line(cell, (left + x, top + y), (left + to_x, top + to_y), color, 3, cv2.LINE_AA)


def _write(
    picture: Picture, text: str, x: int, y: int, color: tuple[int, int, int], *, room: int = 0, weight: int = 1
) -> None:
    """Write a line, cut to the width of the picture less `room`, or of a cell where the picture is wider."""
    width = min(picture.shape[1] - x, _WIDTH) - room - 4
    cv2.putText(picture, fitting(text, width, weight), (x, y), _FONT, 0.47, color, weight, cv2.LINE_AA)


def fitting(text: str, width_px: int, weight: int = 1) -> str:
    """Text that OpenCV can draw, with `?` for what it cannot, cut with `..` where it would be wider."""
    drawn = "".join(c if " " <= c <= "~" else "?" for c in text)
    if _width(drawn, weight) <= width_px:
        return drawn
    while drawn and _width(f"{drawn}..", weight) > width_px:
        drawn = drawn[:-1]
    return f"{drawn}.."


def _width(text: str, weight: int) -> int:
    return int(cv2.getTextSize(text, _FONT, 0.47, weight)[0][0])
