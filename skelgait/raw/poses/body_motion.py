"""Position, size and motion of bodies in pixels, also of bodies with missing joints."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.posture import is_present
from skelgait.skeletons import COCO_17

# Joints that two bodies must share for a comparison of their sizes.
_MIN_SHARED_JOINTS = 4
# Limbs and trunk, by the names of their ends.
_LIMBS = [
    (COCO_17.index(f"{side} {first}"), COCO_17.index(f"{side} {second}"))
    for side in ("left", "right")
    for first, second in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"),
    )
]  # fmt: skip


def height_px(joints: NDArray[Any]) -> float:
    """Return the height of the joints (V, 3) in pixels, without missing joints; 0 if all are missing."""
    y = joints[is_present(joints), 1]
    return float(np.ptp(y)) if len(y) else 0.0


def pose_distances(bodies: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean distance of the joints of each body to those of each other one.

    Args:
        bodies: (A, V, 3) joints.
        others: (B, V, 3) joints.

    Returns:
        (A, B) distances in px; infinite if no joint is present in both.
    """
    are_in_both = is_present(bodies)[:, None] & is_present(others)[None]
    steps = np.where(are_in_both[..., None], bodies[:, None, :, :2] - others[None, :, :, :2], 0.0)
    n_shared = are_in_both.sum(axis=2)
    total = np.linalg.norm(steps, axis=3).sum(axis=2)
    return np.where(n_shared > 0, total / np.maximum(n_shared, 1), np.inf)


def mean_motion(first: NDArray[Any], last: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean motion (2,) in px of the joints (V, 3) that are present in both; 0, 0 if there are none."""
    are_in_both = is_present(first) & is_present(last)
    if not are_in_both.any():
        return np.zeros(2)
    return np.asarray((last[are_in_both, :2] - first[are_in_both, :2]).mean(axis=0, dtype=np.float64))


def size_ratio(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the size of the larger of two bodies (V, 3), relative to the smaller; 1 if they share too few joints.

    The size is the spread of the joints that are present in both, so that hidden legs do not change it.
    """
    are_in_both = is_present(a) & is_present(b)
    if are_in_both.sum() < _MIN_SHARED_JOINTS:
        return 1.0
    sizes = [float(np.sqrt(joints[are_in_both, :2].astype(np.float64).var(axis=0).sum())) for joints in (a, b)]
    return max(sizes) / max(min(sizes), 1e-9)


def limb_lengths(joints: NDArray[Any]) -> NDArray[np.float64]:
    """Return the median length of each limb in body heights; NaN for a limb that is never seen.

    Args:
        joints: (T, 17, 3) joints of one person.
    """
    present = is_present(joints)
    y = np.where(present, joints[..., 1], np.nan)
    first, second = np.transpose(_LIMBS)
    lengths = np.linalg.norm(joints[:, first, :2].astype(np.float64) - joints[:, second, :2], axis=2)
    lengths[~(present[:, first] & present[:, second])] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # limbs that are never seen
        heights = np.nanmax(y, axis=1, keepdims=True) - np.nanmin(y, axis=1, keepdims=True)
        return np.asarray(np.nanmedian(lengths / np.maximum(heights, 1e-9), axis=0))


def walking_activity(joints: NDArray[Any]) -> float:
    """Return how much the ankles move against each other and the hips in the image, in body heights.

    It is the sum of two spreads: of the step from the left to the right ankle, and of the center of the hips. A person
    who stands has about 0.02, a walker 0.05 (from the front) or more.

    Args:
        joints: (T, 17, 3) joints of one person.
    """
    xy = np.where(is_present(joints)[..., None], joints[..., :2].astype(np.float64), np.nan)
    height = np.median([height_px(body) for body in joints])
    step = xy[:, COCO_17.index("left ankle")] - xy[:, COCO_17.index("right ankle")]
    hips = (xy[:, COCO_17.index("left hip")] + xy[:, COCO_17.index("right hip")]) / 2
    spreads = [_spread(known) for part in (step, hips) if len(known := part[np.isfinite(part[:, 0])])]
    return float(sum(spreads) / height) if height > 0 else 0.0


def _spread(points: NDArray[np.float64]) -> float:
    """Return the standard deviation of points (N, 2), estimated without the outer third, which may be outliers."""
    low, high = np.percentile(points, [16, 84], axis=0)
    return float(np.linalg.norm(high - low) / 2)
