"""Synthetic walkers: bodies, gait, cameras, silhouettes, datasets."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skelgait.datasets import DATASETS, Partition, load_partition
from skelgait.errors import SettingsError
from skelgait.skeletons import COCO_17
from skelgait.storage import open_source
from skelgait.synth import write_walkers
from skelgait.synth.anthropometry import Person, sample_person, vary_habits
from skelgait.synth.body import silhouettes
from skelgait.synth.camera import Camera, simulate_detection
from skelgait.synth.gait import walk
from tests.synthetic_data import write_dataset

INDEX = {name: COCO_17.index(name) for name in COCO_17.joints}


def person_of_seed(seed: int = 0) -> Person:
    return sample_person(np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_limbs_are_rigid_with_the_lengths_of_the_person(seed: int) -> None:
    person = person_of_seed(seed)
    joints, _ = walk(person, "normal", 60, np.random.default_rng(0))
    for a, b, length in (
        ("hip", "knee", person.thigh),
        ("knee", "ankle", person.shank),
        ("shoulder", "elbow", person.upper_arm),
        ("elbow", "wrist", person.forearm),
    ):
        for side in ("left", "right"):
            limb = joints[:, INDEX[f"{side} {a}"]] - joints[:, INDEX[f"{side} {b}"]]
            np.testing.assert_allclose(np.linalg.norm(limb, axis=1), length)


def test_lower_ankle_is_at_ankle_height() -> None:
    person = person_of_seed(1)
    joints, _ = walk(person, "normal", 60, np.random.default_rng(0))
    ankles = joints[:, [INDEX["left ankle"], INDEX["right ankle"]], 1]
    np.testing.assert_allclose(ankles.min(axis=1), person.ankle_height)


def test_body_parts_have_vertical_order() -> None:
    joints, _ = walk(person_of_seed(2), "coat", 60, np.random.default_rng(0))
    heights = [joints[:, INDEX[name], 1] for name in ("nose", "left shoulder", "left hip", "left knee")]
    assert all((upper > lower).all() for upper, lower in pairwise(heights))


def test_arms_and_legs_swing_in_opposition() -> None:
    joints, _ = walk(person_of_seed(3), "normal", 200, np.random.default_rng(0))
    forward = {name: joints[:, INDEX[name], 2] for name in COCO_17.joints}
    legs = np.corrcoef(forward["left ankle"], forward["right ankle"])[0, 1]
    arm_and_leg = np.corrcoef(forward["left wrist"], forward["left ankle"])[0, 1]
    assert legs < -0.5
    assert arm_and_leg < -0.5


def test_ankle_frequency_is_the_cadence() -> None:
    person = person_of_seed(4)
    joints, _ = walk(person, "normal", 600, np.random.default_rng(0))
    ankle = joints[:, INDEX["left ankle"], 2]
    spectrum = np.abs(np.fft.rfft(ankle - ankle.mean()))
    assert np.argmax(spectrum) * 30 / 600 == pytest.approx(person.cadence_hz, abs=0.06)


def test_knees_are_in_front_of_the_hip_ankle_line() -> None:
    joints, _ = walk(person_of_seed(5), "normal", 60, np.random.default_rng(0))
    hip, knee, ankle = (joints[:, INDEX[f"left {name}"]] for name in ("hip", "knee", "ankle"))
    between = hip + (ankle - hip) * ((knee - hip)[:, 1] / (ankle - hip)[:, 1])[:, None]
    assert (knee[:, 2] > between[:, 2]).all()


def test_bag_reduces_the_arm_swing() -> None:
    swings = {}
    for condition in ("normal", "bag"):
        joints, _ = walk(person_of_seed(6), condition, 60, np.random.default_rng(0))  # type: ignore[arg-type]
        swings[condition] = np.ptp(joints[:, INDEX["right wrist"], 2])
    assert swings["bag"] < 0.5 * swings["normal"]


def test_varied_habits_keep_the_body() -> None:
    person = person_of_seed(7)
    other = vary_habits(person, np.random.default_rng(0))
    assert (other.thigh, other.girth) == (person.thigh, person.girth)
    assert other.cadence_hz != person.cadence_hz


@pytest.mark.parametrize("view", [0.0, 36.0, 90.0, 200.0])
def test_projection_agrees_with_plain_loops(view: float) -> None:
    points = np.random.default_rng(0).normal(0, 0.4, (5, 3)) + np.array([0, 1, 0])
    xy, depth = Camera(view).project(points)
    angle = np.deg2rad(view)
    eye = np.array([5 * np.sin(angle), 1.0, 5 * np.cos(angle)])
    for point, (x, y), far in zip(points, xy, depth, strict=True):
        ahead = -eye * [1, 0, 1] / 5
        aside = np.cross(ahead, [0, 1, 0])
        offset = point - eye
        assert far == pytest.approx(offset @ ahead)
        assert x == pytest.approx(960 + 1400 * (offset @ aside) / (offset @ ahead))
        assert y == pytest.approx(540 - 1400 * offset[1] / (offset @ ahead))


def test_lost_joints_are_zero_with_the_given_rate() -> None:
    xy, depth = np.full((400, 17, 2), 500.0), np.full((400, 17), 5.0)
    keypoints = simulate_detection(xy, depth, np.random.default_rng(0), 1.5, 0.1)
    lost = (keypoints == 0).all(axis=2)
    assert lost.mean() == pytest.approx(0.1, abs=0.02)
    assert np.abs(keypoints[~lost][:, :2] - 500).std() < 3
    assert keypoints[~lost][:, 2].min() > 0


def test_silhouettes_fill_all_rows_and_coat_is_wider() -> None:
    person = person_of_seed(8)
    joints, toes = walk(person, "normal", 5, np.random.default_rng(0))
    camera = Camera(90)
    xy, _ = camera.project(np.concatenate([joints, toes], axis=1))
    masks = silhouettes(xy, camera.focal_px / camera.distance, person, "normal")
    assert masks.shape == (5, 64, 64)
    assert set(np.unique(masks)) == {0, 255}
    assert masks[:, 0].any(axis=1).all()
    assert masks[:, -1].any(axis=1).all()
    assert 0.1 < (masks > 0).mean() < 0.5
    wide = silhouettes(xy, camera.focal_px / camera.distance, person, "coat")
    assert (wide > 0).sum() > (masks > 0).sum()


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_is_written_and_read(tmp_path: Path, name: str) -> None:
    dataset = DATASETS[name]
    report = write_dataset(tmp_path, name, people=4)
    poses = open_source(tmp_path / "poses", "pose", dataset.pose_pattern)
    silhouette_source = open_source(tmp_path / "silhouettes", "silhouette", dataset.silhouette_pattern)
    assert len(poses.keys) == report.sequences
    assert list(poses.keys) == list(silhouette_source.keys)
    partition, official = load_partition(tmp_path / "partition.json"), dataset.partition()
    assert partition.train < official.train
    assert partition.test < official.test
    assert {key.identity for key in poses.keys} == partition.train | partition.test
    assert {tuple(key) for key in poses.keys} >= partition.probes
    (array,) = poses.read(poses.keys[0])
    expected = (53,) if name == "GREW" else (dataset.synthetic_layout.skeleton_joints, 3)
    assert array.shape[1:] == expected
    assert silhouette_source.read(poses.keys[0])[0].shape == (len(array), 64, 64)


def test_same_seed_gives_identical_files(tmp_path: Path) -> None:
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_dataset(tmp_path / folder, people=2, seed=seed)
    files = [sorted(p for p in (tmp_path / f).rglob("*") if p.is_file()) for f in "abc"]
    contents = [[path.read_bytes() for path in paths] for paths in files]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert len(set(contents[0])) == len(contents[0])  # all sequences differ


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": 1}, "--people: found 1, expected 2 to"),
        ({"conditions": ("running",)}, "found running, expected some of normal, bag, coat"),
        ({"dataset": "OUMVLP", "conditions": ("coat",)}, "expected some of normal for OUMVLP"),
    ],
)
def test_invalid_options_are_an_error(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        write_dataset(tmp_path, **options)  # type: ignore[arg-type]


def test_partition_file_lists_identities(tmp_path: Path) -> None:
    write_dataset(tmp_path, people=4)
    assert json.loads((tmp_path / "partition.json").read_text()) == {
        "TRAIN_SET": ["001", "002"],
        "TEST_SET": ["075", "076"],
    }


def test_pelvis_turns_with_legs_and_shoulders_with_arms() -> None:
    joints, _ = walk(person_of_seed(9), "normal", 200, np.random.default_rng(0))
    ahead = {
        name: joints[:, INDEX[f"left {name}"], 2] - joints[:, INDEX[f"right {name}"], 2]
        for name in ("hip", "ankle", "shoulder", "wrist")
    }
    assert np.corrcoef(ahead["hip"], ahead["ankle"])[0, 1] > 0.5
    assert np.corrcoef(ahead["shoulder"], ahead["wrist"])[0, 1] > 0.5


def test_unnamed_probes_are_written_for_test_people(tmp_path: Path) -> None:
    report = write_dataset(tmp_path, "GREW", people=4, repeats=1)
    keys = open_source(tmp_path / "poses", "pose").keys
    assert [tuple(key) for key in keys if key.identity == "probe"] == [("probe", "03", n) for n in ("00001", "00002")]
    assert len(keys) == report.sequences == 4 * 2 + 2
    assert load_partition(tmp_path / "partition.json").test == {"00001", "00002", "probe"}


def test_probe_of_the_partition_is_written_once(tmp_path: Path) -> None:
    # This probe has the key of the second camera of the first walk.
    probe = ("0360", "camid0_videoid2", "seq1")
    partition = Partition(frozenset({"0000"}), frozenset({"0360"}), frozenset({probe}))
    dataset = replace(DATASETS["Gait3D"], partition=lambda: partition)
    report = write_walkers(
        tmp_path,
        dataset,
        people=2,
        views=2,
        conditions=("normal",),
        repeats=2,
        frames=5,
        noise_px=1.5,
        lost=0.0,
        seed=0,
    )
    keys = {tuple(key) for key in open_source(tmp_path / "poses", "pose").keys}
    assert len(keys) == report.sequences
    assert probe in keys
