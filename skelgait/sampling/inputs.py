"""Conversion of the arrays of a sequence to the frames of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import ShapeError
from skelgait.models.inputs import FRAME_HW

_ROWS, _COLUMNS = FRAME_HW


def stack_modalities(arrays: Sequence[NDArray[Any]], name: str) -> NDArray[np.uint8]:
    """Concatenate maps and silhouettes along the channels. Maps wider than the silhouettes are cut to their width.

    Args:
        arrays: maps (T, 2, H, W), and optionally silhouettes (T, H, W).
        name: name of the sequence, for errors.

    Returns:
        (T, 2 or 3, H, W) uint8.

    Raises:
        ShapeError: if the heights differ, or if the silhouettes are wider.
    """
    maps = arrays[0]
    if len(arrays) == 1:
        return maps
    silhouettes = arrays[1][:, None]
    surplus = maps.shape[3] - silhouettes.shape[3]
    if maps.shape[2] != silhouettes.shape[2] or surplus < 0 or surplus % 2:
        raise ShapeError(
            name,
            f"maps {maps.shape[2:]} and silhouettes {silhouettes.shape[2:]}",
            "the same height, and maps at least as wide as silhouettes",
            "align silhouettes to the height of the maps, 64 rows",
        )
    maps = maps[..., surplus // 2 : maps.shape[3] - surplus // 2]
    return np.concatenate([maps, silhouettes], axis=1)


def cut_columns(frames: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Cut frames (T, C, 64, 64) to (T, C, 64, 44), 10 columns on each side; frames of width 44 stay unchanged.

    Args:
        frames: (T, C, 64, 64 or 44) uint8.
        name: name of the sequence, for errors.

    Raises:
        ShapeError: if the frames have another size.
    """
    height, width = frames.shape[2:]
    if height != _ROWS or width not in (_ROWS, _COLUMNS):
        raise ShapeError(
            name,
            f"frames of {height} x {width}",
            f"{_ROWS} x {_ROWS} or {_ROWS} x {_COLUMNS}",
            "draw maps with --size-px 64, and align silhouettes to 64 rows",
        )
    surplus = (width - _COLUMNS) // 2
    return frames[..., surplus : width - surplus]
