"""Keypoints in, maps out: layouts, corner cases, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.errors import DataError, ShapeError
from skelgait.maps import JOINT, LIMB, skeleton_maps
from skelgait.maps.fill import Fill
from skelgait.maps.normalize import normalize
from skelgait.maps.pipeline import filled_keypoints
from skelgait.skeletons import COCO_17
from tests.maps import reference

HIPS = [COCO_17.index("left hip"), COCO_17.index("right hip")]
NEVER_SEEN = [
    ("left wrist",),
    ("left ankle", "right ankle"),
    ("left hip",),
    ("right hip", "left ankle"),
    ("left hip", "right hip"),
    COCO_17.joints[:12],  # of the hips the right one alone
    COCO_17.joints[2:],  # a face alone
]


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


@pytest.mark.parametrize("fill", ["knn", "visible", "mean", "none"])
@pytest.mark.parametrize("use_score", [True, False])
def test_all_missing_is_empty(fill: Fill, use_score: bool) -> None:
    result = skeleton_maps(np.zeros((2, 17, 3)), fill=fill, use_score=use_score)
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


def without(poses: np.ndarray, joints: tuple[str, ...]) -> np.ndarray:
    """The same poses with joints that no frame has."""
    lost = poses.copy()
    lost[:, [COCO_17.index(joint) for joint in joints]] = 0
    return lost


def drawn_without(frame_xyc: np.ndarray, joints: tuple[str, ...], size: int, sigma: float) -> np.ndarray:
    """Gray levels (2, size, size) of one frame from its other joints alone, the slow way."""
    seen = [j for j, name in enumerate(COCO_17.joints) if name not in joints]
    low, high = frame_xyc[seen, :2].min(axis=0), frame_xyc[seen, :2].max(axis=0)
    hips = [frame_xyc[hip, :2] for hip in HIPS if hip in seen]
    middle = np.mean(hips, axis=0) if hips else (low + high) / 2
    xy, confidence = np.zeros((17, 2)), np.zeros(17)
    for j in seen:
        xy[j] = (frame_xyc[j, :2] - middle) * (size // 1.5) / (high - low)[1] + size // 2
        confidence[j] = frame_xyc[j, 2]
    return reference.draw(xy, confidence, size, sigma)


@pytest.mark.parametrize("joints", NEVER_SEEN)
def test_visible_draws_the_others_as_if_they_were_all(joints: tuple[str, ...]) -> None:
    poses = people(2)
    options = {"fill": "visible", "align": False, "canvas_px": 48, "size_px": 48, "sigma_px": 3.0}
    maps = skeleton_maps(without(poses, joints), **options).maps
    expected = np.stack([drawn_without(frame, joints, 48, 3.0) for frame in poses])
    off = np.abs(maps.astype(int) - expected)
    assert off.max() <= 1
    assert (off == 0).mean() > 0.9999
    poses[..., 2] = 1
    without_score = skeleton_maps(without(poses, joints), use_score=False, **options).maps
    np.testing.assert_array_equal(without_score, skeleton_maps(without(poses, joints), **options).maps)


@pytest.mark.parametrize("joints", NEVER_SEEN)
def test_visible_gives_the_joints_that_are_seen_the_height_of_the_body(joints: tuple[str, ...]) -> None:
    keypoints_xyc, _ = filled_keypoints(without(people(5), joints), "visible", True, "poses")
    placed, _ = normalize(keypoints_xyc[..., :2], 128)
    y = placed[:, keypoints_xyc[0, :, 2] > 0, 1]
    np.testing.assert_allclose(y.max(axis=1) - y.min(axis=1), 85)
    np.testing.assert_allclose(placed[:, HIPS].mean(axis=1), 64)


def test_visible_is_knn_where_every_joint_is_seen() -> None:
    poses = people(6)
    poses[np.random.default_rng(1).random((6, 17)) < 0.2] = 0
    poses[5] = people(6, seed=2)[5]
    expected = skeleton_maps(poses)
    assert expected.n_filled > 0
    result = skeleton_maps(poses, fill="visible")
    np.testing.assert_array_equal(result.maps, expected.maps)
    assert result[1:] == expected[1:]


def test_joints_put_aside_do_not_count_as_filled() -> None:
    poses = without(people(), ("left hip", "left ankle"))
    poses[1, COCO_17.index("nose")] = 0
    assert skeleton_maps(poses, fill="visible").n_filled == 1


def test_a_joint_of_which_one_coordinate_is_never_seen_is_not_drawn() -> None:
    poses = people()
    expected = skeleton_maps(without(poses, ("left wrist",)), fill="visible")
    poses[:, COCO_17.index("left wrist"), 1] = 0
    np.testing.assert_array_equal(skeleton_maps(poses, fill="visible").maps, expected.maps)


def test_where_no_joint_has_both_coordinates_there_is_nothing_to_draw() -> None:
    poses = people()
    poses[:, :8, 0] = 0
    poses[:, 8:, 1] = 0
    assert skeleton_maps(poses, fill="visible").n_empty == len(poses)


def test_joints_put_aside_give_a_frame_no_height() -> None:
    for y in np.random.default_rng(0).uniform(0, 1000, 50):
        poses = without(people(), ("left ankle", "right wrist"))
        poses[1, poses[1, :, 1] > 0, 1] = y
        assert skeleton_maps(poses, fill="visible").n_empty == 1


@pytest.mark.parametrize(
    ("poses", "message"),
    [
        (np.zeros((5, 64, 64), np.uint8), r"a\.pkl: found an array \(5, 64, 64\) of uint8 \(like silhouettes\)"),
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
