"""Synthetic walkers with varied gait, camera and pose estimator."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.skeletons import COCO_17
from skelgait.synth import variation
from skelgait.synth.anthropometry import sample_person
from skelgait.synth.gait import joints_at, walk
from skelgait.synth.variation import Walker, sample_walker, varied_poses

INDEX = {name: COCO_17.index(name) for name in COCO_17.joints}


def limb_lengths(joints: np.ndarray) -> np.ndarray:
    pairs = [
        (INDEX[f"{side} {a}"], INDEX[f"{side} {b}"])
        for side in ("left", "right")
        for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    ]
    return np.stack([np.linalg.norm(joints[:, a] - joints[:, b], axis=1) for a, b in pairs])


def test_turned_joints_keep_the_lengths_of_the_limbs() -> None:
    rng = np.random.default_rng(0)
    joints, _ = joints_at(sample_person(rng), "normal", np.linspace(0, 2, 40))
    before, turned = limb_lengths(joints), joints.copy()
    for hinge in variation._HINGES:
        variation._turn(turned, hinge, rng.normal(0, 0.2, 40))
    np.testing.assert_allclose(limb_lengths(turned), before)
    assert np.abs(turned - joints).max() > 0.05


def test_knee_turned_by_a_right_angle_points_backward() -> None:
    joints, _ = joints_at(sample_person(np.random.default_rng(1)), "normal", np.zeros(1))
    hip, knee, ankle = (INDEX[f"left {name}"] for name in ("hip", "knee", "ankle"))
    joints[0, [hip, knee, ankle]] = [[0, 2, 0], [0, 1, 0], [0, 0, 0]]
    (hinge,) = (hinge for hinge in variation._HINGES if hinge.pivot == (knee,))
    variation._turn(joints, hinge, np.array([np.pi / 2]))
    np.testing.assert_allclose(joints[0, [hip, knee, ankle]], [[0, 2, 0], [0, 1, 0], [0, 1, -1]], atol=1e-12)


def test_walk_is_the_joints_at_evenly_spaced_times() -> None:
    person = sample_person(np.random.default_rng(2))
    phase = np.random.default_rng(3).random()
    joints, toes = walk(person, "coat", 7, np.random.default_rng(3), rate_hz=10)
    expected = joints_at(person, "coat", phase + np.arange(7) * person.cadence_hz / 10)
    np.testing.assert_array_equal(joints, expected[0])
    np.testing.assert_array_equal(toes, expected[1])


def test_poses_depend_on_the_seed_alone_and_differ_between_walks() -> None:
    walker = sample_walker(np.random.default_rng(4))
    first, again, other = (varied_poses(walker, 12, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first.shape == (12, 17, 3)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 10


@pytest.mark.parametrize("seed", range(8))
def test_poses_are_upright_bodies_in_the_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    poses = varied_poses(sample_walker(rng), 30, rng)
    missing = (poses == 0).all(axis=2)
    assert missing.mean() < 0.08
    confidence = poses[..., 2][~missing]
    assert confidence.min() >= 0.05
    assert confidence.max() <= 1
    heights = [np.nanmedian(np.where(missing, np.nan, poses[..., 1])[:, INDEX[name]]) for name in ("nose", "left knee")]
    assert heights[0] < heights[1] - 50


def test_walks_of_one_person_are_more_alike_than_those_of_two() -> None:
    def posture(walker: Walker, seed: int) -> np.ndarray:
        joints = variation._walk(walker, 60, np.random.default_rng(seed), 30.0)
        legs = [INDEX[f"{side} {name}"] for name in ("knee", "ankle") for side in ("left", "right")]
        centered = joints - joints[:, [INDEX["left hip"], INDEX["right hip"]]].mean(axis=1, keepdims=True)
        return centered[:, [INDEX["nose"], *legs]].std(axis=0).ravel()

    people = [sample_walker(np.random.default_rng(seed)) for seed in range(12)]
    first, second = (np.stack([posture(person, 100 * half + n) for n, person in enumerate(people)]) for half in (0, 1))
    distances = np.linalg.norm(first[:, None] - second, axis=2)
    own = np.diag(distances).mean()
    assert own < 0.8 * distances[~np.eye(12, dtype=bool)].mean()
