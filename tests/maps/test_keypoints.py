"""Poses with values that cannot be: refused with sequence, frame and joint, or counted."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.maps import as_keypoints, skeleton_maps
from skelgait.maps.keypoints import check_confidences
from tests.maps.test_pipeline import people


def with_value(axis: int, value: float) -> np.ndarray:
    poses = people()
    poses[2, 4, axis] = value
    return poses


@pytest.mark.parametrize(
    ("axis", "value", "found"),
    [
        (0, 1e38, r"the coordinate 1e\+38 of joint 4 in frame 2, expected pixels up to 1,000,000"),
        (1, -2e6, r"the coordinate -2e\+06 of joint 4 in frame 2, expected pixels up to 1,000,000"),
        (0, np.nan, "a value that is not finite in frame 2, expected finite numbers"),
        (2, 97.5, r"the confidence 97\.5 of joint 4 in frame 2, expected about 0 to 1"),
        (2, -7, "the confidence -7 of joint 4 in frame 2, expected about 0 to 1"),
        (2, np.inf, "a value that is not finite in frame 2"),
    ],
)
def test_impossible_value_is_an_error_with_sequence_frame_and_joint(axis: int, value: float, found: str) -> None:
    with pytest.raises(DataError, match=rf"^a\.pkl: found {found}"):
        skeleton_maps(with_value(axis, value), name="a.pkl")


def test_confidence_of_another_scale_is_accepted_if_it_is_not_used() -> None:
    expected = skeleton_maps(people(), use_score=False).maps
    np.testing.assert_array_equal(skeleton_maps(with_value(2, 97.5), use_score=False).maps, expected)


@pytest.mark.parametrize(("value", "count"), [(0, 0), (1, 0), (1.2, 1), (2, 1), (-0.01, 1)])
def test_confidences_a_little_outside_0_to_1_are_counted(value: float, count: int) -> None:
    poses = with_value(2, value)
    assert check_confidences(poses) == count == sum(not 0 <= c <= 1 for frame in poses for *_, c in frame)
    skeleton_maps(poses)


def test_poses_in_float16_are_computed_in_float32() -> None:
    # The sum of two such hips overflows in float16.
    poses = (people() * [1, 1, 1] + [50_000, 0, 0]).astype(np.float16)
    assert as_keypoints(poses).dtype == np.float32
    result = skeleton_maps(poses)
    assert result.n_empty == 0
    np.testing.assert_array_equal(result.maps, skeleton_maps(poses.astype(np.float32)).maps)


def test_coordinate_that_overflows_float16_is_an_error() -> None:
    with np.errstate(over="ignore"):
        poses = (people() + np.array([70_000, 0, 0])).astype(np.float16)
    with pytest.raises(DataError, match=r"not finite in frame 0, .* and pixels as float32"):
        skeleton_maps(poses)


def test_masked_array_is_an_error() -> None:
    poses = np.ma.masked_less(people(), 350)
    with pytest.raises(DataError, match=r"a\.pkl: found a masked array, .*: poses\.filled\(0\)"):
        skeleton_maps(poses, name="a.pkl")
