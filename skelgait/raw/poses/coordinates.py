"""Conversion of coordinates from 0 to 1, or from -1 to 1, to pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike
from skelgait.raw.poses.posture import is_present
from skelgait.raw.poses.third_values import refuse_3d

# A body in pixels is larger than this.
_MIN_BODY_PX = 5.0
# Joints outside the image are a little outside of the range.
_SLACK = 0.6
# 3D joints are often relative to the hips: the middle of the hips is at (0, 0) in all frames.
_MIN_MOTION = 1e-3
_MIN_PEOPLE = 5


def to_pixels(
    joints: NDArray[Any], boxes: NDArray[Any] | None, size: tuple[int, int] | None, path: PathLike
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Scale coordinates from 0 to 1, or from -1 to 1, to pixels; pixels are unchanged.

    Args:
        joints: (N, V, 3) joints.
        boxes: (N, 4) boxes in the same coordinates; or None.
        size: width and height of the images in pixels; None: unknown.
        path: file for error messages.

    Raises:
        DataError: if the coordinates are not pixels and `size` is unknown, or if they are metric.
    """
    present = is_present(joints)
    known = joints[present][:, :2].astype(np.float64)
    body = _median_body(joints, present)
    if not known.size or body == 0 or body >= _MIN_BODY_PX:
        return joints, boxes
    low, high = float(known.min()), float(known.max())
    if low < -1 - _SLACK or high > 1 + _SLACK or _is_relative(joints, present):
        raise refuse_3d(path, f"coordinates from {low:.3g} to {high:.3g} are neither pixels nor from 0 to 1")
    is_centered = bool((_centers(joints, present) < 0).any())
    if size is None:
        found = f"coordinates from {-1 if is_centered else 0} to 1 ({low:.3g} to {high:.3g}), not pixels"
        raise DataError(path, found, "pixels", "pass the size of the images, such as --image-size 1920x1080")
    scale = np.array(size, np.float64)
    if is_centered:
        scale = scale / 2
    scaled = joints.astype(np.result_type(joints.dtype, np.float32))
    scaled[..., :2] = np.where(present[..., None], (joints[..., :2] + is_centered) * scale, 0)
    if boxes is not None:
        boxes = (boxes + ([1, 1, 0, 0] if is_centered else 0)) * np.tile(scale, 2)
    return scaled, boxes


def _median_body(joints: NDArray[Any], present: NDArray[np.bool_]) -> float:
    """Return the median of the larger side of the bodies; 0 if there is no body."""
    xy = np.where(present[..., None], joints[..., :2], np.nan).astype(np.float64)
    xy = xy[present.sum(axis=1) > 1]
    if not len(xy):
        return 0.0
    return float(np.median((np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)).max(axis=1)))


def _centers(joints: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    xy = np.where(present[..., None], joints[..., :2], 0).astype(np.float64)
    count = np.maximum(present.sum(axis=1), 1)
    return np.asarray(xy.sum(axis=1) / count[:, None])


def _is_relative(joints: NDArray[Any], present: NDArray[np.bool_]) -> bool:
    """Return True if the middle of two neighboring joints, such as the hips, is at (0, 0) for all people."""
    if len(joints) < _MIN_PEOPLE:
        return False
    xy = np.where(present[..., None], joints[..., :2], np.nan).astype(np.float64)
    middles = np.nan_to_num((xy[:, :-1] + xy[:, 1:]) / 2, nan=1)
    return bool((np.abs(middles) < _MIN_MOTION).all(axis=(0, 2)).any())
