"""Layouts of pose estimators: round trips and errors."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.raw.poses import open_raw
from skelgait.raw.poses.registry import get_layout
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key
from tests.raw.poses import dataset_builders as datasets
from tests.raw.poses import estimator_builders as estimators
from tests.raw.poses.dataset_builders import PERSON, Walks, make_walks, person
from tests.raw.poses.estimator_builders import assert_holds, flagged, halved, matching_layouts, read_all, with_passer_by

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"), Key("002", "bg-01", "090"))
JOINTS = person()
INSTANCE = {"keypoints": PERSON.tolist(), "keypoint_scores": [0.5] * 17}
HEADER = "image_name," + ",".join("xyc" * 17)


def write(path: Path, content: object) -> Path:
    """Write text or bytes unchanged, other content as pickle or JSON depending on the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(content))
    else:
        path.write_text(json.dumps(content))
    return path


def read_one(path: Path, layout: str) -> RawSequence:
    (sequence,) = read_all(path, layout).values()
    return sequence


@pytest.mark.parametrize(
    ("build", "layout"),
    [
        (estimators.alphapose, "alphapose"),
        (estimators.alphapose_images, "alphapose"),
        (estimators.mmpose, "mmpose"),
        (estimators.mmpose_images, "mmpose"),
        (estimators.coco, "coco"),
        (estimators.coco_results, "coco"),
        (estimators.pyskl, "pyskl"),
        (estimators.casia_b_csv, "casia-b-csv"),
        (datasets.gait3d, "gait3d"),
        (datasets.openpose, "openpose"),
        (datasets.casia_b_pose, "pickles"),
    ],
)
def test_only_one_layout_matches(tmp_path: Path, build: Callable[[Path, Walks], Path], layout: str) -> None:
    assert matching_layouts(build(tmp_path / "raw", make_walks(*KEYS))) == [layout]


@pytest.mark.parametrize(
    ("name", "content", "layout"),
    [
        ("a.json", [], "mmpose"),
        ("a.json", {"instance_info": []}, "coco"),
        ("a.json", {"images": [], "annotations": []}, "coco"),
        ("a.pkl", {"split": {}, "annotations": []}, "pyskl"),
        ("a.csv", HEADER + "\n", "casia-b-csv"),
        ("a.csv", "", "casia-b-csv"),
    ],
)
def test_empty_file_has_no_sequence(tmp_path: Path, name: str, content: object, layout: str) -> None:
    write(tmp_path / name, content)
    assert matching_layouts(tmp_path) == []
    with pytest.raises(DataError):
        open_raw(tmp_path, layout)


def test_all_people_are_read(tmp_path: Path) -> None:
    walks = make_walks(*KEYS)
    for build, layout, change, tracked in (
        (estimators.mmpose, "mmpose", np.asarray, True),
        (estimators.mmpose_images, "mmpose", np.asarray, False),
        (estimators.coco_results, "coco", np.asarray, False),
    ):
        sequences = read_all(build(tmp_path / build.__name__, walks), layout)
        assert list(sequences) == sorted(walks)
        for key, walk in walks.items():
            frames = list(with_passer_by(change(walk)))
            if build is estimators.mmpose_images:
                frames = [[], *frames, []]
            assert_holds(sequences[key], frames, tracked)


def test_visibility_flags_become_confidence_0_or_1(tmp_path: Path) -> None:
    walks = make_walks(KEYS[0])
    sequence = read_one(estimators.coco(tmp_path, walks), "coco")
    assert [len(people) for people in sequence.people] == [0, 1, 2, 1, 1]
    np.testing.assert_array_equal([people[0] for people in sequence.people[1:]], flagged(walks[KEYS[0]]))
    # Confidences are kept, even if one of them is an integer.
    row = [*JOINTS[:2], 1.0, *JOINTS[3:5], 0.25, *JOINTS[6:]]
    path = write(tmp_path / "walk.json", [{"image_id": 1, "category_id": 1, "keypoints": row, "score": 1}])
    assert read_one(path, "coco").people[0][0, :2, 2].tolist() == [1.0, 0.25]


def test_track_id_is_index_on_axis_of_people(tmp_path: Path) -> None:
    walks = make_walks(KEYS[0])
    sequence = read_one(estimators.pyskl(tmp_path, walks), "pyskl")
    assert sequence.tracks == [[1], [0, 1], [1], [1]]
    assert {people.dtype for people in sequence.people} == {np.dtype(np.float32)}
    np.testing.assert_array_equal([people[-1] for people in sequence.people], halved(walks[KEYS[0]]))


@pytest.mark.parametrize("frame_dir", ["/../../etc/x", "a/./b//c", "..\\up"])
def test_frame_dir_stays_inside_the_folder(tmp_path: Path, frame_dir: str) -> None:
    annotation = {"frame_dir": frame_dir, "keypoint": np.ones((1, 2, 17, 2))}
    (key,) = open_raw(write(tmp_path / "a.pkl", [annotation]), "pyskl").keys
    assert not {"..", ".", ""} & set(key)


def test_csv_rows_are_read_by_sequence(tmp_path: Path) -> None:
    walks = make_walks(*KEYS, frames=5)
    sequences = read_all(estimators.casia_b_csv(tmp_path, walks), "casia-b-csv")
    assert list(sequences) == sorted(walks)
    for key, walk in walks.items():
        np.testing.assert_array_equal([people[0] for people in sequences[key].people], walk.astype(np.float32))
        assert sequences[key].frame_names == [str(t + 8) for t in range(len(walk))]


def test_modified_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.json", [{"frame_id": 0, "instances": [INSTANCE]}])
    raw = open_raw(path, "mmpose")
    assert len(raw.read(raw.keys[0]).people[0]) == 1
    write(path, [{"frame_id": 0, "instances": [INSTANCE, INSTANCE]}])
    os.utime(path, ns=(10**18, 10**18))
    assert len(raw.read(raw.keys[0]).people[0]) == 2


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


@pytest.mark.parametrize(
    ("name", "content", "layout"),
    [
        ("a.json", '[{"frame_id": 0, "instances": [', "mmpose"),
        ("a.json", [{"frame_id": "x", "instances": [INSTANCE]}], "mmpose"),
        ("a.json", [{"frame_id": 0, "instances": 7}], "mmpose"),
        ("a.json", [{"frame_id": 0, "instances": [{**INSTANCE, "keypoints": [[1.0, 2.0]] * 16}]}], "mmpose"),
        ("a.json", [{"frame_id": 0, "instances": [{**INSTANCE, "keypoints": "abc"}]}], "mmpose"),
        ("a.json", [{"frame_id": 0, "instances": [{**INSTANCE, "keypoints": [[1], [1, 2]]}]}], "mmpose"),
        ("a.json", {"images": [{"id": 1}], "annotations": [{"image_id": 1, "keypoints": JOINTS}]}, "coco"),
        ("a.json", {"images": [], "annotations": [{"image_id": 1, "keypoints": JOINTS}]}, "coco"),
        ("a.json", {"images": 3, "annotations": [{"image_id": 1, "keypoints": JOINTS}]}, "coco"),
        ("a.json", [{"image_id": 1, "keypoints": JOINTS[:-1]}], "coco"),
        ("a.json", "[" * 100_000, "coco"),
        ("a.pkl", [{"frame_dir": "a", "keypoint": Trap()}], "pyskl"),
        ("a.pkl", [{"frame_dir": "a", "keypoint": np.ones((2, 17, 2))}], "pyskl"),
        ("a.pkl", [{"frame_dir": "a", "keypoint": np.ones((1, 2, 17, 2)), "keypoint_score": np.ones((1, 2))}], "pyskl"),
        ("a.pkl", [{"frame_dir": "a", "keypoint": "abc"}], "pyskl"),
        ("a.pkl", [{"frame_dir": 7, "keypoint": np.ones((1, 2, 17, 2))}], "pyskl"),
        ("a.pkl", [{"frame_dir": "a", "keypoint": np.ones((1, 2, 17, 2))}] * 2, "pyskl"),
        ("a.pkl", pickle.dumps([{"frame_dir": "a", "keypoint": np.ones((1, 2, 17, 2))}])[:-40], "pyskl"),
        ("a.csv", HEADER + "\nx/001-nm-01-090/1.jpg,1,2,3\n", "casia-b-csv"),
        ("a.csv", HEADER + "\nx/001-nm-01-090/1.jpg" + ",a" * 51 + "\n", "casia-b-csv"),
        ("a.csv", HEADER + "\nx/001-nm-01-090/1.jpg" + ",1" * 51 + "\nplain" + ",1" * 51 + "\n", "casia-b-csv"),
        ("1/f1.txt", "1,2,3", "gait3d"),
        ("1/f1.txt", "a,b", "gait3d"),
        ("1/f1.txt", b"\xff\xfe", "gait3d"),
        ("1/1_keypoints.json", {"people": [{"pose_keypoints_2d": JOINTS}, {"pose_keypoints_2d": [1]}]}, "openpose"),
        ("1/1_keypoints.json", {"people": [3]}, "openpose"),
        ("1/1_keypoints.json", [], "openpose"),
        ("1/a.pkl", Trap(), "pickles"),
        ("1/a.pkl", np.zeros((5, 85)), "pickles"),
        ("1/a.pkl", np.zeros((5, 64, 64), np.uint8), "pickles"),
        ("1/a.pkl", np.zeros((5, 22, 3)), "pickles"),
        ("1/a.pkl", {"a": 1}, "pickles"),
        ("1/a.pkl", [[[1, 2], [3]]], "pickles"),
    ],
)  # fmt: skip
def test_damaged_or_hostile_file_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: object, layout: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "raw" / name, content)
    get_layout(layout).matches([path])  # must not raise
    with pytest.raises(DataError, match=path.name.replace(".", r"\.")):
        read_all(tmp_path / "raw", layout)
    assert not (tmp_path / "pwned").exists()
