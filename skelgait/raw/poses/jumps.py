"""Jumps of a pose sequence: steps in which a body moves or changes its height too much to be the same."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.posture import is_present

# Motion in body heights, and change of the height, from one frame to the next.
_MAX_MOTION = 0.5
_MAX_HEIGHT_CHANGE = 0.5


def count_jumps(joints: Sequence[NDArray[Any]], frames: Sequence[int]) -> int:
    """Return the number of steps between neighboring frames that jump.

    A step jumps if the center of the joints moves by more than half a body height, or their height changes by more than
    half. Frames without joints, and steps over missing frames, do not count.

    Args:
        joints: (V, 3) joints in each frame.
        frames: index of each frame in the sequence.
    """
    boxes = [_box(body) for body in joints]
    return sum(
        _is_jump(first, second)
        for (first, second), (t, other) in zip(pairwise(boxes), pairwise(frames), strict=True)
        if other == t + 1 and first is not None and second is not None
    )


def _is_jump(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    heights = first[3] - first[1], second[3] - second[1]
    motion = np.linalg.norm((second[:2] + second[2:]) - (first[:2] + first[2:])) / 2
    is_leap = motion > _MAX_MOTION * max(heights)
    return bool(is_leap or abs(heights[1] - heights[0]) > _MAX_HEIGHT_CHANGE * heights[0])


def _box(joints: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return left, top, right and bottom of the joints (V, 3) without missing ones; None if all are."""
    xy = joints[is_present(joints), :2].astype(np.float64)
    return np.concatenate([xy.min(axis=0), xy.max(axis=0)]) if len(xy) else None
