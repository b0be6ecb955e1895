"""Conversion of pose arrays to COCO-17 keypoints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skelgait.errors import DataError, ShapeError, resemblance
from skelgait.skeletons import to_coco17

_EXPECTED = "poses (T, 17 or 18, 3), or rows (T, 51) or (T, 53)"
_HINT = "pass x, y and confidence of each joint in each frame"


def as_keypoints(poses: ArrayLike, name: str = "poses") -> NDArray[np.floating]:
    """Convert a pose array of any known shape to COCO-17 keypoints.

    Args:
        poses: array, nested list or CPU tensor, (T, V, 3) joints of a known skeleton: x px, y px, confidence. Or rows
            (T, 51) of 17 joints, or rows (T, 53) as in GREW, with two leading values that are dropped.
        name: name of the sequence in error messages.

    Returns:
        (T, 17, 3) keypoints; floats keep their dtype, integers become float64.

    Raises:
        ShapeError: if the array has another shape.
        DataError: if a value is not finite.
    """
    array = _as_array(poses, name)
    if array.ndim == 2 and array.shape[1] in (51, 53):
        array = array[:, array.shape[1] - 51 :].reshape(-1, 17, 3)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype.kind not in "fiu":
        raise ShapeError(name, f"an array {array.shape} of {array.dtype}{resemblance(array)}", _EXPECTED, _HINT)
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if not np.isfinite(array).all():
        frame = int(np.argwhere(~np.isfinite(array))[0, 0])
        found = f"a value that is not finite in frame {frame}"
        raise DataError(name, found, "finite numbers", "write missing joints as 0, 0, 0")
    return to_coco17(array, name)


def _as_array(poses: ArrayLike, name: str) -> NDArray[Any]:
    try:
        return np.asarray(poses)
    except ValueError as error:
        raise ShapeError(name, f"lists of different lengths ({error})", _EXPECTED, _HINT) from error
