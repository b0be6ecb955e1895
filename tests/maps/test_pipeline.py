"""Skeleton maps from poses: input shapes, corner cases, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skelgait.errors import DataError, ShapeError
from skelgait.maps import JOINT, LIMB, skeleton_maps
from skelgait.maps.fill import Fill
from skelgait.maps.normalize import normalize
from skelgait.maps.pipeline import prepare_keypoints
from skelgait.skeletons import COCO_17
from tests.maps import reference

HIPS = [COCO_17.index("left hip"), COCO_17.index("right hip")]
NEVER_SEEN = [
    ("left wrist",),
    ("left ankle", "right ankle"),
    ("left hip",),
    ("right hip", "left ankle"),
    ("left hip", "right hip"),
    COCO_17.joints[:12],  # only the right hip is seen
    COCO_17.joints[2:],  # only a face is seen
]


def people(frames: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    xy = rng.uniform((300, 100), (400, 500), (frames, 17, 2))
    return np.concatenate([xy, rng.uniform(0.5, 1, (frames, 17, 1))], axis=2)


def test_zero_frames_give_empty_maps() -> None:
    result = skeleton_maps(np.zeros((0, 17, 3)))
    assert result.maps.shape == (0, 2, 64, 64)
    assert (result.n_filled, result.n_empty) == (0, 0)


def test_rows_of_51_and_53_values_equal_keypoints() -> None:
    poses = people()
    rows = poses.reshape(3, 51)
    expected = skeleton_maps(poses).maps
    np.testing.assert_array_equal(skeleton_maps(rows).maps, expected)
    np.testing.assert_array_equal(skeleton_maps(np.hstack([np.ones((3, 2)), rows])).maps, expected)


def test_17_rows_of_53_values_are_17_frames() -> None:
    rows = np.hstack([np.ones((17, 2)), people(17).reshape(17, 51)])
    assert skeleton_maps(rows).maps.shape == (17, 2, 64, 64)


def test_frame_without_height_is_empty_and_counted() -> None:
    poses = people()
    poses[1, :, 1] = 250
    result = skeleton_maps(poses)
    assert result.n_empty == 1
    assert not result.maps[1].any()
    np.testing.assert_array_equal(result.maps[[0, 2]], skeleton_maps(poses[[0, 2]]).maps)


def test_lists_and_cpu_tensors_equal_arrays() -> None:
    poses = people()
    expected = skeleton_maps(poses).maps
    np.testing.assert_array_equal(skeleton_maps(poses.tolist()).maps, expected)
    np.testing.assert_array_equal(skeleton_maps(torch.from_numpy(poses)).maps, expected)


def test_lists_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ShapeError, match="found lists of different lengths"):
        skeleton_maps([[[1.0, 2.0, 1.0]], [[1.0, 2.0]]])


@pytest.mark.parametrize("fill", ["knn", "visible", "mean", "none"])
@pytest.mark.parametrize("use_score", [True, False])
def test_maps_are_empty_if_all_joints_are_missing(fill: Fill, use_score: bool) -> None:
    result = skeleton_maps(np.zeros((2, 17, 3)), fill=fill, use_score=use_score)
    assert (result.n_empty, result.n_filled) == (2, 0)
    assert not result.maps.any()


def test_maps_are_invariant_to_position_and_scale() -> None:
    poses = people()
    moved = poses * [2, 2, 1] + [50, 7, 0]
    difference = np.abs(skeleton_maps(poses).maps.astype(int) - skeleton_maps(moved).maps)
    assert difference.max() <= 1


def test_limb_and_joint_channels_have_content() -> None:
    maps = skeleton_maps(people()).maps
    assert maps[:, LIMB].any()
    assert maps[:, JOINT].any()


def without(poses: np.ndarray, joints: tuple[str, ...]) -> np.ndarray:
    """Return the poses with some joints missing in every frame."""
    lost = poses.copy()
    lost[:, [COCO_17.index(joint) for joint in joints]] = 0
    return lost


def drawn_without(frame_xyc: np.ndarray, joints: tuple[str, ...], size: int, sigma: float) -> np.ndarray:
    """Return gray levels (2, size, size) of one frame without some joints, drawn by plain loops."""
    seen = [j for j, name in enumerate(COCO_17.joints) if name not in joints]
    low, high = frame_xyc[seen, :2].min(axis=0), frame_xyc[seen, :2].max(axis=0)
    hips = [frame_xyc[hip, :2] for hip in HIPS if hip in seen]
    center = np.mean(hips, axis=0) if hips else (low + high) / 2
    xy, confidence = np.zeros((17, 2)), np.zeros(17)
    for j in seen:
        xy[j] = (frame_xyc[j, :2] - center) * (size // 1.5) / (high - low)[1] + size // 2
        confidence[j] = frame_xyc[j, 2]
    return reference.draw(xy, confidence, size, sigma)


@pytest.mark.parametrize("joints", NEVER_SEEN)
def test_visible_draws_only_the_seen_joints(joints: tuple[str, ...]) -> None:
    poses = people(2)
    options = {"fill": "visible", "align": False, "canvas_px": 48, "size_px": 48, "sigma_px": 3.0}
    maps = skeleton_maps(without(poses, joints), **options).maps
    expected = np.stack([drawn_without(frame, joints, 48, 3.0) for frame in poses])
    difference = np.abs(maps.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.9999
    poses[..., 2] = 1
    without_score = skeleton_maps(without(poses, joints), use_score=False, **options).maps
    np.testing.assert_array_equal(without_score, skeleton_maps(without(poses, joints), **options).maps)


@pytest.mark.parametrize("joints", NEVER_SEEN)
def test_visible_scales_the_seen_joints_to_the_body_height(joints: tuple[str, ...]) -> None:
    keypoints_xyc, _ = prepare_keypoints(without(people(5), joints), "visible", True, "poses")
    xy, _ = normalize(keypoints_xyc[..., :2], 128)
    y = xy[:, keypoints_xyc[0, :, 2] > 0, 1]
    np.testing.assert_allclose(y.max(axis=1) - y.min(axis=1), 85)
    np.testing.assert_allclose(xy[:, HIPS].mean(axis=1), 64)


def test_visible_equals_knn_if_every_joint_is_seen() -> None:
    poses = people(6)
    poses[np.random.default_rng(1).random((6, 17)) < 0.2] = 0
    poses[5] = people(6, seed=2)[5]
    expected = skeleton_maps(poses)
    assert expected.n_filled > 0
    result = skeleton_maps(poses, fill="visible")
    np.testing.assert_array_equal(result.maps, expected.maps)
    assert result[1:] == expected[1:]


def test_unseen_joints_are_not_counted_as_filled() -> None:
    poses = without(people(), ("left hip", "left ankle"))
    poses[1, COCO_17.index("nose")] = 0
    assert skeleton_maps(poses, fill="visible").n_filled == 1


def test_visible_omits_joint_with_one_unseen_coordinate() -> None:
    poses = people()
    expected = skeleton_maps(without(poses, ("left wrist",)), fill="visible")
    poses[:, COCO_17.index("left wrist"), 1] = 0
    np.testing.assert_array_equal(skeleton_maps(poses, fill="visible").maps, expected.maps)


def test_visible_is_empty_if_no_joint_has_both_coordinates() -> None:
    poses = people()
    poses[:, :8, 0] = 0
    poses[:, 8:, 1] = 0
    assert skeleton_maps(poses, fill="visible").n_empty == len(poses)


def test_unseen_joints_do_not_add_height() -> None:
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
        (np.zeros((5, 21, 3)), "found 21 joints, expected one of 14, 15, 16, 17"),
        (np.zeros((5, 17, 2)), r"found an array \(5, 17, 2\)"),
    ],
)
def test_array_of_other_shape_is_an_error_with_name(poses: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        skeleton_maps(poses, name="a.pkl")


def test_non_finite_value_is_an_error_with_frame() -> None:
    poses = people()
    poses[2, 4, 0] = np.nan
    with pytest.raises(DataError, match="not finite in frame 2"):
        skeleton_maps(poses)
