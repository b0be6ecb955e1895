"""From the arrays of a sequence to the frames that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import ShapeError

# A network sees 64 x 44: of a square frame the outer columns are empty.
_ROWS, _COLUMNS = 64, 44


def stack_modalities(arrays: Sequence[NDArray[Any]], where: str) -> NDArray[np.uint8]:
    """Maps (T, 2, H, W), and silhouettes (T, H, W) if there are any, as one array (T, 2 or 3, H, W).

    Maps wider than the silhouettes are cut to their width first.

    Raises:
        ShapeError: their heights differ, or the silhouettes are wider; names `where`.
    """
    maps = arrays[0]
    if len(arrays) == 1:
        return maps
    silhouettes = arrays[1][:, None]
    surplus = maps.shape[3] - silhouettes.shape[3]
    if maps.shape[2] != silhouettes.shape[2] or surplus < 0 or surplus % 2:
        raise ShapeError(
            where,
            f"maps {maps.shape[2:]} and silhouettes {silhouettes.shape[2:]}",
            "frames of one height, the maps not narrower",
            "align the silhouettes to 64 rows, as high as the maps",
        )
    maps = maps[..., surplus // 2 : maps.shape[3] - surplus // 2]
    return np.concatenate([maps, silhouettes], axis=1)


def cut_columns(frames: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
    """Cut frames (T, C, 64, 64) to (T, C, 64, 44), 10 columns a side; frames of that width stay as they are.

    Raises:
        ShapeError: the frames are of another size; names `where`.
    """
    height, width = frames.shape[2:]
    if height != _ROWS or width not in (_ROWS, _COLUMNS):
        raise ShapeError(
            where,
            f"frames of {height} x {width}",
            f"{_ROWS} x {_ROWS} or {_ROWS} x {_COLUMNS}",
            "draw maps with --size-px 64, and align silhouettes to 64 rows",
        )
    surplus = (width - _COLUMNS) // 2
    return frames[..., surplus : width - surplus]
