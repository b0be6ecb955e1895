"""Decision between skeletons by the posture of bodies."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.raw.poses.posture import choose_skeleton, impossible_posture
from skelgait.skeletons import COCO_17, H36M, OPENPOSE_18, POSETRACK18, SKELETONS, Skeleton, skeletons_with
from tests.raw.poses.dataset_builders import PERSON, upright
from tests.skeletons_of import in_skeleton

WALK = upright(np.random.default_rng(1), 30)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda skeleton: skeleton.name)
@pytest.mark.parametrize("frames", [1, 3, 30])
def test_posture_decides_between_skeletons_with_the_same_number_of_joints(skeleton: Skeleton, frames: int) -> None:
    joints = in_skeleton(skeleton, WALK[:frames])
    assert [s.name for s in choose_skeleton(joints, skeletons_with(len(skeleton.joints))).skeletons] == [skeleton.name]
    assert impossible_posture(joints, skeleton) == ""


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda skeleton: skeleton.name)
def test_joints_in_the_order_of_another_skeleton_are_impossible(skeleton: Skeleton) -> None:
    joints = in_skeleton(skeleton, WALK)
    for other in skeletons_with(len(skeleton.joints)):
        assert (impossible_posture(joints, other) == "") == (other is skeleton)


@pytest.mark.parametrize("frames", [1, 30])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda walk: walk * [1, -1, 1], "y points upwards"),
        (lambda walk: walk[..., [1, 0, 2]], "lie on their side"),
        (lambda walk: walk[..., [1, 0, 2]] * [-1, 1, 1], "lie on their side"),
        (lambda walk: in_skeleton(OPENPOSE_18, walk)[:, :17], "that of OpenPose-18 without its last joint"),
        (lambda walk: in_skeleton(H36M, walk), "the order of joints is that of H36M"),
    ],
)
def test_reason_of_an_impossible_posture_is_named(change: object, reason: str, frames: int) -> None:
    assert reason in impossible_posture(change(WALK[:frames]))  # type: ignore[operator]


def test_bodies_without_legs_or_face_are_possible() -> None:
    for missing in (slice(0, 5), slice(11, 17), slice(5, 11)):
        walk = WALK.copy()
        walk[:, missing] = 0
        assert impossible_posture(walk) == ""
        assert choose_skeleton(walk, skeletons_with(17)).skeletons[0] is COCO_17


def test_equal_results_are_no_choice() -> None:
    walk = WALK.copy()
    walk[:, 1:5] = 0  # PoseTrack18 and COCO-17 differ in these joints only
    assert choose_skeleton(walk, (COCO_17, POSETRACK18)).skeletons == (COCO_17,)


def test_bodies_without_extent_leave_the_choice_open() -> None:
    assert choose_skeleton(np.ones((9, 17, 3)), skeletons_with(17)).skeletons == skeletons_with(17)


def test_wrong_order_in_less_than_half_of_the_frames_is_possible() -> None:
    walk = WALK.copy()
    walk[:10] = walk[:10] * [1, -1, 1]
    assert impossible_posture(walk) == ""


def test_neutral_person_in_one_frame_is_coco17() -> None:
    person = np.concatenate([PERSON, np.full((17, 1), 0.9)], axis=1)[None]
    assert choose_skeleton(person, skeletons_with(17)).skeletons == (COCO_17,)
