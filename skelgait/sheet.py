"""A picture sheet: skeleton maps beside silhouettes, large enough to judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.storage.atomic import write_whole

_CELL_PX = 128
_GAP_PX = 4
_CAPTION_PX = 24


class Strip(NamedTuple):
    """One sequence on a sheet.

    Attributes:
        caption: what is written above it.
        maps: (T, 2, H, W) uint8.
        silhouettes: (T, H, W) uint8, or None.
    """

    caption: str
    maps: NDArray[Any]
    silhouettes: NDArray[Any] | None = None


def contact_sheet(strips: Sequence[Strip], frames: int = 3) -> NDArray[np.uint8]:
    """Draw a sheet, (H, W, 3) uint8 in OpenCV's order of colours.

    A row for each sequence: for some of its frames, limbs (orange), joints (blue), both, and the silhouette.

    Args:
        strips: the sequences; all with silhouettes, or all without.
        frames: how many frames of each, evenly spaced.
    """
    return np.concatenate([_row(strip, frames) for strip in strips])


def save_sheet(path: Path, strips: Sequence[Strip], frames: int = 3) -> None:
    """Save a sheet as PNG, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    _, encoded = cv2.imencode(".png", contact_sheet(strips, frames))
    with write_whole(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _row(strip: Strip, frames: int) -> NDArray[np.uint8]:
    chosen = np.linspace(0, len(strip.maps) - 1, frames + 2).round().astype(int)[1:-1]
    cells = [cell for t in chosen for cell in _cells(strip, t)]
    images = np.concatenate(cells, axis=1)
    caption = np.full((_CAPTION_PX, images.shape[1], 3), 255, np.uint8)
    cv2.putText(caption, strip.caption, (_GAP_PX, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.concatenate([caption, images])


def _cells(strip: Strip, t: int) -> list[NDArray[np.uint8]]:
    limbs, joints = (_large(channel) for channel in strip.maps[t])
    dark = np.zeros_like(limbs)
    pictures = [
        np.stack([limbs // 4, limbs // 2, limbs], axis=-1),
        np.stack([joints, joints // 2, joints // 4], axis=-1),
        np.stack([joints, np.maximum(limbs, joints) // 2, limbs], axis=-1),
    ]
    if strip.silhouettes is not None:
        mask = _large(strip.silhouettes[t])
        pictures.append(np.stack([mask, mask, mask], axis=-1))
    gap = np.full((len(dark), _GAP_PX, 3), 255, np.uint8)
    return [part for picture in pictures for part in (picture, gap)]


def _large(image: NDArray[Any]) -> NDArray[np.uint8]:
    width = round(image.shape[1] * _CELL_PX / image.shape[0])
    return np.asarray(cv2.resize(image, (width, _CELL_PX), interpolation=cv2.INTER_LINEAR), np.uint8)
