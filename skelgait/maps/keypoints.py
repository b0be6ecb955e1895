"""Conversion of pose arrays to COCO-17 keypoints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skelgait.errors import DataError, ShapeError, resemblance
from skelgait.skeletons import to_coco17

_EXPECTED = "poses (T, 17 or 18, 3), or rows (T, 51) or (T, 53)"
_HINT = "pass x, y and confidence of each joint in each frame"

LARGEST_PX = 1e6
"""Largest coordinate that can be a position in an image, in pixels."""
# Confidences from neural networks exceed 0 to 1 by a little; visibility flags of COCO are up to 2.
_CONFIDENCES = (-1.0, 10.0)


def as_keypoints(poses: ArrayLike, name: str = "poses") -> NDArray[np.floating]:
    """Convert a pose array of any known shape to COCO-17 keypoints.

    Args:
        poses: array, nested list or CPU tensor, (T, V, 3) joints of a known skeleton: x px, y px, confidence. Or rows
            (T, 51) of 17 joints, or rows (T, 53) as in GREW, with two leading values that are dropped.
        name: name of the sequence in error messages.

    Returns:
        (T, 17, 3) keypoints; float32 and float64 keep their dtype, float16 becomes float32 and integers float64.

    Raises:
        ShapeError: if the array has another shape.
        DataError: if a value is not finite, a coordinate is beyond `LARGEST_PX`, or the array is masked.
    """
    array = _as_array(poses, name)
    if array.ndim == 2 and array.shape[1] in (51, 53):
        array = array[:, array.shape[1] - 51 :].reshape(-1, 17, 3)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype.kind not in "fiu":
        raise ShapeError(name, f"an array {array.shape} of {array.dtype}{resemblance(array)}", _EXPECTED, _HINT)
    if array.dtype.kind != "f" or array.dtype == np.float16:
        array = array.astype(np.float64 if array.dtype.kind != "f" else np.float32)
    if not np.isfinite(array).all():
        frame = int(np.argwhere(~np.isfinite(array))[0, 0])
        found = f"a value that is not finite in frame {frame}"
        raise DataError(name, found, "finite numbers", "write missing joints as 0, 0, 0, and pixels as float32")
    if array.size and max(array[..., :2].max(), -array[..., :2].min()) > LARGEST_PX:
        frame, joint, axis = np.argwhere(np.abs(array[..., :2]) > LARGEST_PX)[0]
        found = f"the coordinate {array[frame, joint, axis]:g} of joint {joint} in frame {frame}"
        expected = f"pixels up to {LARGEST_PX:,.0f}"
        raise DataError(name, found, expected, "write missing joints as 0, 0, 0")
    return to_coco17(array, name)


def check_confidences(keypoints_xyc: NDArray[np.floating], name: str = "poses") -> int:
    """Check that confidences can be in [0, 1], and return the number of those outside of it.

    Args:
        keypoints_xyc: (T, V, 3) joints: x px, y px, confidence.
        name: name of the sequence in the error message.

    Raises:
        DataError: if a confidence is so far outside that it has another scale, such as percent.
    """
    confidence = keypoints_xyc[..., 2]
    if not confidence.size or (confidence.min() >= 0 and confidence.max() <= 1):
        return 0
    lowest, highest = _CONFIDENCES
    is_odd = (confidence < lowest) | (confidence > highest)
    if is_odd.any():
        frame, joint = np.argwhere(is_odd)[0]
        found = f"the confidence {confidence[frame, joint]:g} of joint {joint} in frame {frame}"
        hint = "divide confidences by their largest possible value, or use --set heatmap.use_score=false"
        raise DataError(name, found, "about 0 to 1", hint)
    return int(((confidence < 0) | (confidence > 1)).sum())


def _as_array(poses: ArrayLike, name: str) -> NDArray[Any]:
    if isinstance(poses, np.ma.MaskedArray):
        raise DataError(name, "a masked array", "a plain array", "write masked joints as missing: poses.filled(0)")
    try:
        return np.asarray(poses)
    except ValueError as error:
        raise ShapeError(name, f"lists of different lengths ({error})", _EXPECTED, _HINT) from error
