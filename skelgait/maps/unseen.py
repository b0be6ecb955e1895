"""Joints that no frame of a sequence has: set aside, so that the others are drawn as if they were all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17

_HIPS = (COCO_17.index("left hip"), COCO_17.index("right hip"))


def set_unseen_aside(keypoints_xyc: NDArray[np.floating]) -> NDArray[np.floating]:
    """COCO-17 keypoints (T, 17, 3) with the joints that no frame has at a neutral place, and with confidence 0.

    A joint is unseen if its x or its y is 0 in all frames. A hip goes to the other hip, so that this is the hip
    midpoint. Any other joint, and both hips if neither is seen, go to the middle of the frame's bounding box of the
    joints that are seen, so that the body's height is that of these. If no joint is seen, all values are 0; if every
    joint is, the same array comes back.
    """
    is_seen = (keypoints_xyc[..., :2] != 0).any(axis=0).all(axis=1)
    if is_seen.all():
        return keypoints_xyc
    if not is_seen.any():
        return np.zeros_like(keypoints_xyc)
    seen = keypoints_xyc[:, is_seen, :2]
    result = keypoints_xyc.copy()
    # The middle, unlike the mean, is within the box after rounding too: a body without height gains none.
    result[:, ~is_seen, :2] = (seen.min(axis=1, keepdims=True) + seen.max(axis=1, keepdims=True)) / 2
    result[:, ~is_seen, 2] = 0
    for hip, other in (_HIPS, _HIPS[::-1]):
        if is_seen[other] and not is_seen[hip]:
            result[:, hip, :2] = keypoints_xyc[:, other, :2]
    return result
