"""Pictures of sequences: skeleton maps beside silhouettes, large enough to judge, as sheets and as animations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.atomic import atomic_write

_CELL_PX = 128
_GAP_PX = 4
_CAPTION_PX = 24
# Frames side by side on a sheet.
_ACROSS = 3
# Frames of an animation are shown this long; 30 a second, as GIF counts in hundredths.
_FRAME_MS = 30

Picture = NDArray[np.uint8]


class Strip(NamedTuple):
    """One sequence on a sheet.

    Attributes:
        caption: what is written above it.
        maps: (T, 2, H, W) uint8, or None.
        silhouettes: (T, H, W) uint8, or None.
    """

    caption: str
    maps: NDArray[Any] | None = None
    silhouettes: NDArray[Any] | None = None

    def __len__(self) -> int:
        return max((len(part) for part in (self.maps, self.silhouettes) if part is not None), default=0)


def contact_sheet(strips: Sequence[Strip], frames: int = 3) -> Picture:
    """Draw a sheet, (H, W, 3) uint8 in OpenCV's order of colors.

    Rows for each sequence: for some of its frames, limbs (orange), joints (blue), both, and the silhouette, as far as
    the sequence has them; up to three frames side by side.

    Args:
        strips: the sequences, alike in what they have.
        frames: how many frames of each, evenly spaced.
    """
    return np.concatenate([_sheet_of(strip, frames) for strip in strips])


def overlay(maps: NDArray[Any]) -> Picture:
    """Draw limbs (orange) and joints (blue) over each other, (H, W, 3) uint8, of the maps (2, H, W) of a frame."""
    limbs, joints = maps
    return np.stack([joints, np.maximum(limbs, joints) // 2, limbs], axis=-1)


def save_sheet(path: Path, strips: Sequence[Strip], frames: int = 3) -> None:
    """Save a sheet as PNG, whole or not at all.

    Raises:
        DataError: the file cannot be written, or a sequence has no frame.
    """
    _refuse_empty(strips)
    _save(path, cv2.imencode(".png", contact_sheet(strips, frames))[1])


def save_animation(path: Path, strip: Strip) -> None:
    """Save all frames of a sequence as an animated GIF that repeats, whole or not at all.

    Raises:
        DataError: the file cannot be written, or the sequence has no frame.
    """
    _refuse_empty([strip])
    animation = cv2.Animation()
    cells = [np.concatenate(_cells(strip, t), axis=1) for t in range(len(strip))]
    caption = _caption(strip.caption, cells[0].shape[1])
    animation.frames = [np.concatenate([caption, cell]) for cell in cells]
    animation.durations = [_FRAME_MS] * len(cells)
    _save(path, cv2.imencodeanimation(".gif", animation)[1])


def _refuse_empty(strips: Sequence[Strip]) -> None:
    for strip in strips:
        if not len(strip):
            raise DataError(strip.caption, "no frame", "at least one frame", "choose another sequence")


def _save(path: Path, encoded: NDArray[np.uint8]) -> None:
    with atomic_write(path) as partial:
        partial.write_bytes(encoded.tobytes())


def _sheet_of(strip: Strip, frames: int) -> Picture:
    places = np.linspace(0, len(strip) - 1, frames + 2).round().astype(int)[1:-1]
    cells = [np.concatenate(_cells(strip, t), axis=1) for t in places]
    across = min(frames, _ACROSS)
    cells += [np.full_like(cells[0], 255)] * (-frames % across)
    rows = [np.concatenate(cells[start : start + across], axis=1) for start in range(0, frames, across)]
    gap = np.full((_GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([_caption(strip.caption, rows[0].shape[1]), *(part for row in rows for part in (row, gap))])


def _caption(text: str, width: int) -> Picture:
    caption = np.full((_CAPTION_PX, width, 3), 255, np.uint8)
    cv2.putText(caption, text, (_GAP_PX, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return caption


def _cells(strip: Strip, t: int) -> list[Picture]:
    """The pictures of a frame, each with a gap to its right."""
    pictures: list[NDArray[Any]] = []
    if strip.maps is not None:
        limbs, joints = (_large(channel) for channel in strip.maps[t])
        pictures += [
            np.stack([limbs // 4, limbs // 2, limbs], axis=-1),
            np.stack([joints, joints // 2, joints // 4], axis=-1),
            overlay(np.stack([limbs, joints])),
        ]
    if strip.silhouettes is not None:
        pictures.append(np.repeat(_large(strip.silhouettes[t])[..., None], 3, axis=2))
    gap = np.full((_CELL_PX, _GAP_PX, 3), 255, np.uint8)
    return [part for picture in pictures for part in (picture, gap)]


def _large(image: NDArray[Any]) -> Picture:
    width = round(image.shape[1] * _CELL_PX / image.shape[0])
    return np.asarray(cv2.resize(image, (width, _CELL_PX), interpolation=cv2.INTER_LINEAR), np.uint8)
