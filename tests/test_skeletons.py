"""Joint names of skeletons, and conversion to COCO-17."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.errors import ShapeError
from skelgait.skeletons import BODY_25, COCO_17, OPENPOSE_18, Skeleton, to_coco17


def named(skeleton: Skeleton) -> np.ndarray:
    """Return one frame in which x of a joint is its index in COCO-17, or -1 if COCO-17 does not have it."""
    rows = [COCO_17.joints.index(j) if j in COCO_17.joints else -1 for j in skeleton.joints]
    return np.array(rows, dtype=float)[None, :, None].repeat(3, axis=2)


@pytest.mark.parametrize("skeleton", [COCO_17, OPENPOSE_18, BODY_25])
def test_skeleton_is_converted_to_coco17(skeleton: Skeleton) -> None:
    np.testing.assert_array_equal(to_coco17(named(skeleton))[0, :, 0], np.arange(17))


def test_zero_frames_give_empty_array() -> None:
    assert to_coco17(np.zeros((0, 18, 3))).shape == (0, 17, 3)


def test_coco18_has_the_order_of_openpose() -> None:
    order = to_coco17(np.arange(18.0)[None, :, None].repeat(3, axis=2))[0, :, 0]
    assert order.astype(int).tolist() == [0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]


def test_limbs_have_drawing_order() -> None:
    expected = [(0, 1), (0, 2), (1, 3), (2, 4), (0, 5), (5, 7), (7, 9), (0, 6), (6, 8), (8, 10), (5, 11), (11, 13)]
    expected += [(13, 15), (6, 12), (12, 14), (14, 16), (11, 12)]
    assert COCO_17.limb_indices().tolist() == [list(limb) for limb in expected]


def test_unknown_number_of_joints_is_an_error() -> None:
    with pytest.raises(
        ShapeError, match=r"a\.pkl: found 21 joints, expected one of 14, 15, 16, 17, 18, 25, 26, 33, 133, 136 joints"
    ):
        to_coco17(np.zeros((1, 21, 3)), "a.pkl")
