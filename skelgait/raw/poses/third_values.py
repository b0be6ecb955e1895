"""Third values of joints: confidences, visibility flags, or the depth of 3D joints."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike, ShapeError
from skelgait.raw.poses.detections import Third

_FLAGS = (0, 1, 2)
# Confidences of some estimators are a little below 0 or above 1: AlphaPose writes up to 1.1.
_MIN_CONFIDENCE = -0.1
_MAX_CONFIDENCE = 10.0
_MAX_MEDIAN = 2.0


def to_confidences(joints: NDArray[Any], third: Third, path: PathLike) -> tuple[NDArray[Any], int]:
    """Convert the third values of joints to confidences in [0, 1].

    Visibility flags are 0 (not labeled; the joint is missing), 1 (not visible) and 2 (visible); 1 and 2 become 1.

    Args:
        joints: (N, V, 3) joints.
        third: kind of the third value.
        path: file for error messages.

    Returns:
        The joints, and the number of confidences outside [0, 1], which are clipped.

    Raises:
        DataError: if the third value is a depth, or if flags and confidences are mixed.
    """
    values = joints[..., 2]
    known = _known(joints)
    if third != "confidence" and known.size and np.isin(known, _FLAGS).all() and (third == "flag" or 2 in known):
        return _from_flags(joints), 0
    check_depth(joints, path)
    if third == "flag" or (third == "unknown" and _has_flags(joints)):
        found = f"visibility flags 0, 1, 2 mixed with confidences such as {_example(known):.3g}"
        raise DataError(path, found, "flags only, or confidences only", "export the keypoints again")
    is_outside = np.isfinite(values) & ((values < 0) | (values > 1))
    if not is_outside.any():
        return joints, 0
    joints = joints.copy()
    joints[..., 2][is_outside] = values[is_outside].clip(0, 1)
    return joints, int(is_outside.sum())


def refuse_3d(path: PathLike, detail: str) -> ShapeError:
    """Return the error about 3D joints."""
    hint = "skelgait needs 2D joints: run a 2D pose estimator, or use the 2D poses of the dataset"
    return ShapeError(path, f"3D joints ({detail})", "x px, y px and confidence of each joint", hint)


def check_depth(joints: NDArray[Any], path: PathLike) -> None:
    """Refuse joints (N, V, 3) whose third value is a depth.

    Raises:
        DataError: if values are negative, or too large for confidences and flags.
    """
    known = _known(joints)
    # Arrays are compared in their own precision by every numpy, single values by numpy 1 in double precision.
    if known.size and (
        (known < _MIN_CONFIDENCE).any() or (known > _MAX_CONFIDENCE).any() or np.median(known) > _MAX_MEDIAN
    ):
        raise refuse_3d(path, f"third values from {known.min():.3g} to {known.max():.3g} are no confidences")


def _known(joints: NDArray[Any]) -> NDArray[Any]:
    """Return the finite third values of the joints that are not at (0, 0)."""
    values = joints[..., 2]
    return np.asarray(values[np.isfinite(values) & (joints[..., :2] != 0).any(axis=-1)])


def _from_flags(joints: NDArray[Any]) -> NDArray[Any]:
    """Return joints with confidence 0 or 1. Joints that are not labeled may still have coordinates."""
    is_labeled = joints[..., 2:] > 0
    labeled = np.where(is_labeled | ~np.isfinite(joints[..., 2:]), joints, 0)
    labeled[..., 2:] = np.where(np.isfinite(joints[..., 2:]), is_labeled, joints[..., 2:])
    return labeled.astype(joints.dtype)


def _has_flags(joints: NDArray[Any]) -> bool:
    """Return True if most third values of a person are flags, among them a 2."""
    is_flag = np.isin(joints[..., 2], _FLAGS)
    return bool(((joints[..., 2] == 2).any(axis=1) & (is_flag.mean(axis=1) > 0.5)).any())


def _example(known: NDArray[Any]) -> float:
    others = known[~np.isin(known, _FLAGS)]
    return float(others[0]) if len(others) else float(known[0])
