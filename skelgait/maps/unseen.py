"""Joints that are missing in every frame of a sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17

_HIPS = (COCO_17.index("left hip"), COCO_17.index("right hip"))


def place_unseen_joints(keypoints_xyc: NDArray[np.floating]) -> NDArray[np.floating]:
    """Move joints that are missing in every frame to neutral positions, with confidence 0.

    A joint is unseen if its x or its y is 0 in all frames. Normalization uses the hip midpoint and the body height;
    the neutral positions leave both to the joints that are seen:

    * An unseen hip moves to the other hip.
    * Other unseen joints, and both hips if both are unseen, move to the center of the frame's bounding box.

    Args:
        keypoints_xyc: (T, 17, 3) COCO-17 keypoints.

    Returns:
        (T, 17, 3) keypoints; `keypoints_xyc` itself if every joint is seen, all 0 if none is.
    """
    is_seen = (keypoints_xyc[..., :2] != 0).any(axis=0).all(axis=1)
    if is_seen.all():
        return keypoints_xyc
    if not is_seen.any():
        return np.zeros_like(keypoints_xyc)
    seen = keypoints_xyc[:, is_seen, :2]
    result = keypoints_xyc.copy()
    # After rounding, the center is still inside the box; a frame without height keeps height 0. The mean may not be.
    result[:, ~is_seen, :2] = (seen.min(axis=1, keepdims=True) + seen.max(axis=1, keepdims=True)) / 2
    result[:, ~is_seen, 2] = 0
    for hip, other in (_HIPS, _HIPS[::-1]):
        if is_seen[other] and not is_seen[hip]:
            result[:, hip, :2] = keypoints_xyc[:, other, :2]
    return result
