"""Checks of pose sequences before they are written or drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.maps import as_keypoints
from skelgait.raw.poses.coordinates import to_pixels
from skelgait.raw.poses.posture import choose_skeleton, impossible_posture
from skelgait.raw.poses.third_values import check_depth
from skelgait.skeletons import skeletons_with


def check_posture(keypoints_xyc: NDArray[np.floating], location: str) -> None:
    """Refuse a sequence (T, 17, 3) whose posture is impossible.

    Raises:
        DataError: if it is, for example because y points upwards or the joints have another order.
    """
    reason = impossible_posture(keypoints_xyc)
    if reason:
        hint = "check the order of the joints, pass --skeleton to `skelgait poses`, or use --force"
        raise DataError(location, f"an impossible posture ({reason})", "upright people in COCO-17", hint)


def checked_keypoints(poses: NDArray[Any], location: str, *, force: bool = False) -> NDArray[np.floating]:
    """Convert stored poses to COCO-17. Posture decides between skeletons with the same number of joints.

    Args:
        poses: stored sequence, see `skelgait.maps.as_keypoints`.
        location: name of the sequence in error messages.
        force: accept an impossible posture.

    Raises:
        ShapeError: if the array has another shape.
        DataError: if values are not finite, if joints are 3D or not in pixels, or if the posture is impossible.
    """
    is_certain = False
    if poses.ndim == 3 and poses.shape[2] == 3 and len(skeletons_with(poses.shape[1])) > 1:
        choice = choose_skeleton(poses, skeletons_with(poses.shape[1]))
        is_certain = choice.is_certain
        poses = choice.skeletons[0].to_coco17(poses) if choice.skeletons else poses
    keypoints_xyc = as_keypoints(poses, location)
    if not force:
        check_depth(keypoints_xyc, location)
        to_pixels(keypoints_xyc, None, None, location)
        if not is_certain:
            check_posture(keypoints_xyc, location)
    return keypoints_xyc
