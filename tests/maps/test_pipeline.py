"""Keypoints in, maps out: layouts, corner cases, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.errors import DataError, ShapeError
from skelgait.maps import JOINT, LIMB, skeleton_maps


def people(frames: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    xy = rng.uniform((300, 100), (400, 500), (frames, 17, 2))
    return np.concatenate([xy, rng.uniform(0.5, 1, (frames, 17, 1))], axis=2)


def test_no_frames() -> None:
    result = skeleton_maps(np.zeros((0, 17, 3)))
    assert result.maps.shape == (0, 2, 64, 64)
    assert (result.n_filled, result.n_empty) == (0, 0)


def test_rows_with_and_without_leading_values_are_the_same() -> None:
    poses = people()
    rows = poses.reshape(3, 51)
    expected = skeleton_maps(poses).maps
    np.testing.assert_array_equal(skeleton_maps(rows).maps, expected)
    np.testing.assert_array_equal(skeleton_maps(np.hstack([np.ones((3, 2)), rows])).maps, expected)


def test_a_multiple_of_17_rows_is_not_scrambled() -> None:
    rows = np.hstack([np.ones((17, 2)), people(17).reshape(17, 51)])
    assert skeleton_maps(rows).maps.shape == (17, 2, 64, 64)


def test_a_frame_without_height_is_empty_and_counted() -> None:
    poses = people()
    poses[1, :, 1] = 250
    result = skeleton_maps(poses)
    assert result.n_empty == 1
    assert not result.maps[1].any()
    np.testing.assert_array_equal(result.maps[[0, 2]], skeleton_maps(poses[[0, 2]]).maps)


def test_all_missing_is_empty() -> None:
    result = skeleton_maps(np.zeros((2, 17, 3)))
    assert (result.n_empty, result.n_filled) == (2, 0)
    assert not result.maps.any()


def test_place_and_size_in_the_image_do_not_matter() -> None:
    poses = people()
    moved = poses * [2, 2, 1] + [50, 7, 0]
    off = np.abs(skeleton_maps(poses).maps.astype(int) - skeleton_maps(moved).maps)
    assert off.max() <= 1


def test_joints_are_within_limbs_reach() -> None:
    maps = skeleton_maps(people()).maps
    assert maps[:, LIMB].any()
    assert maps[:, JOINT].any()


@pytest.mark.parametrize(
    ("poses", "message"),
    [
        (np.zeros((5, 64, 64), np.uint8), r"a\.pkl: found an array \(5, 64, 64\) of uint8, like silhouettes"),
        (np.zeros((5, 85)), "like SMPL parameters"),
        (np.zeros((5, 2, 64, 64), np.uint8), "like skeleton maps"),
        (np.zeros((5, 21, 3)), "found 21 joints, expected 17"),
        (np.zeros((5, 17, 2)), r"found an array \(5, 17, 2\)"),
    ],
)
def test_other_arrays_are_refused_by_name(poses: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        skeleton_maps(poses, where="a.pkl")


def test_values_that_are_not_finite_are_refused() -> None:
    poses = people()
    poses[2, 4, 0] = np.nan
    with pytest.raises(DataError, match="not finite in frame 2"):
        skeleton_maps(poses)
