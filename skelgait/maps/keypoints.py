"""Poses as they come, as COCO-17 keypoints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError, resemblance
from skelgait.skeletons import to_coco17

_EXPECTED = "poses (T, 17 or 18, 3), or rows (T, 51) or (T, 53)"
_HINT = "give x, y and confidence of each joint in each frame"


def as_keypoints(poses: NDArray[Any], where: str = "poses") -> NDArray[np.floating]:
    """Keypoints (T, 17, 3) from an array of any known layout, told by its shape alone.

    Rows (T, 51) are 17 x 3; rows (T, 53), as GREW has them, have two leading values that are dropped. Keypoints of
    other skeleton formats are converted. Float32 and float64 stay what they are.

    Raises:
        ShapeError: the shape is none of these; names `where` and what the array looks like.
        DataError: a value is not finite.
    """
    if poses.ndim == 2 and poses.shape[1] in (51, 53):
        poses = poses[:, poses.shape[1] - 51 :].reshape(-1, 17, 3)
    if poses.ndim != 3 or poses.shape[2] != 3 or poses.dtype.kind not in "fiu":
        raise ShapeError(where, f"an array {poses.shape} of {poses.dtype}{resemblance(poses)}", _EXPECTED, _HINT)
    if poses.dtype.kind != "f":
        poses = poses.astype(np.float64)
    if not np.isfinite(poses).all():
        frame = int(np.argwhere(~np.isfinite(poses))[0, 0])
        found = f"a value that is not finite in frame {frame}"
        raise DataError(where, found, "numbers", "write lost joints as 0, 0, 0")
    return to_coco17(poses, where)
