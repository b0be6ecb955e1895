"""Pictures of sequences: contact sheets (PNG) and animations (GIF) of skeleton maps and silhouettes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skelgait.errors import DataError, PathLike
from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_file

_CELL_PX = 128
_GAP_PX = 4
_CAPTION_PX = 24
_COLUMNS = 3
# About 30 frames per second; GIF counts in hundredths of a second.
_FRAME_MS = 30

Picture = NDArray[np.uint8]


class Strip(NamedTuple):
    """Sequence on a contact sheet.

    Attributes:
        caption: text above the sequence.
        maps: skeleton maps (T, 2, H, W) uint8, or None.
        silhouettes: (T, H, W) uint8, or None.
    """

    caption: str
    maps: NDArray[Any] | None = None
    silhouettes: NDArray[Any] | None = None

    def __len__(self) -> int:
        return max((len(array) for array in (self.maps, self.silhouettes) if array is not None), default=0)


def contact_sheet(strips: Sequence[Strip], frames: int = 3) -> Picture:
    """Return a contact sheet of sequences, (H, W, 3) uint8 in BGR order.

    Each frame is shown as limb map (orange), joint map (blue), both, and silhouette. Arrays that a sequence lacks are
    left out. A row has up to three frames.

    Args:
        strips: sequences, all with the same arrays.
        frames: number of frames of each sequence, evenly spaced.
    """
    return np.concatenate([_strip_picture(strip, frames) for strip in strips])


def overlay(maps: NDArray[Any]) -> Picture:
    """Return limbs (orange) and joints (blue) of one frame (2, H, W) as one picture, (H, W, 3) uint8 in BGR order."""
    limbs, joints = maps
    return np.stack([joints, np.maximum(limbs, joints) // 2, limbs], axis=-1)


def save_sheet(path: PathLike, strips: Sequence[Strip], frames: int = 3) -> None:
    """Save a contact sheet as PNG, atomically.

    Args:
        path: PNG file.
        strips: sequences, all with the same arrays.
        frames: number of frames of each sequence, evenly spaced.

    Raises:
        DataError: if the file cannot be written, or a sequence has no frames.
    """
    _check_not_empty(strips)
    _save(path, cv2.imencode(".png", contact_sheet(strips, frames))[1].tobytes())


def save_animation(path: PathLike, strip: Strip) -> None:
    """Save all frames of a sequence as a looping GIF, atomically.

    Args:
        path: GIF file.
        strip: sequence.

    Raises:
        DataError: if the file cannot be written, or the sequence has no frames.
    """
    _check_not_empty([strip])
    cells = [np.concatenate(_cells(strip, t), axis=1) for t in range(len(strip))]
    caption = _caption(strip.caption, cells[0].shape[1])
    first, *rest = (
        Image.fromarray(cv2.cvtColor(np.concatenate([caption, cell]), cv2.COLOR_BGR2RGB)).quantize(
            method=Image.Quantize.FASTOCTREE
        )
        for cell in cells
    )
    encoded = io.BytesIO()
    first.save(encoded, "GIF", save_all=True, append_images=rest, duration=_FRAME_MS, loop=0)
    _save(path, encoded.getvalue())


def _check_not_empty(strips: Sequence[Strip]) -> None:
    for strip in strips:
        if not len(strip):
            raise DataError(strip.caption, "no frames", "at least one frame", "choose another sequence")


def _save(path: PathLike, encoded: bytes) -> None:
    with lock_file(Path(path)), atomic_write(Path(path)) as partial:
        partial.write_bytes(encoded)


def _strip_picture(strip: Strip, frames: int) -> Picture:
    indices = np.linspace(0, len(strip) - 1, frames + 2).round().astype(int)[1:-1]
    cells = [np.concatenate(_cells(strip, t), axis=1) for t in indices]
    columns = min(frames, _COLUMNS)
    cells += [np.full_like(cells[0], 255)] * (-frames % columns)
    rows = [np.concatenate(cells[start : start + columns], axis=1) for start in range(0, frames, columns)]
    gap = np.full((_GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    spaced = [image for row in rows for image in (row, gap)]
    return np.concatenate([_caption(strip.caption, rows[0].shape[1]), *spaced])


def _caption(text: str, width: int) -> Picture:
    caption = np.full((_CAPTION_PX, width, 3), 255, np.uint8)
    cv2.putText(caption, text, (_GAP_PX, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return caption


def _cells(strip: Strip, t: int) -> list[Picture]:
    """Return the pictures of a frame, each followed by a gap."""
    pictures: list[NDArray[Any]] = []
    if strip.maps is not None:
        limbs, joints = (_enlarged(channel) for channel in strip.maps[t])
        pictures += [
            np.stack([limbs // 4, limbs // 2, limbs], axis=-1),
            np.stack([joints, joints // 2, joints // 4], axis=-1),
            overlay(np.stack([limbs, joints])),
        ]
    if strip.silhouettes is not None:
        pictures.append(np.repeat(_enlarged(strip.silhouettes[t])[..., None], 3, axis=2))
    gap = np.full((_CELL_PX, _GAP_PX, 3), 255, np.uint8)
    return [image for picture in pictures for image in (picture, gap)]


def _enlarged(image: NDArray[Any]) -> Picture:
    width = round(image.shape[1] * _CELL_PX / image.shape[0])
    return np.asarray(cv2.resize(image, (width, _CELL_PX), interpolation=cv2.INTER_LINEAR), np.uint8)
