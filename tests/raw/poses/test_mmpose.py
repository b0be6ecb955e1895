"""MMPose predictions of videos and images."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelgait.errors import DataError, ShapeError
from skelgait.raw.poses import open_raw
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key
from tests.raw.poses.dataset_builders import make_walks
from tests.raw.poses.estimator_builders import matching_layouts, mmpose, mmpose_images, read_all

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"))
XY = [[float(n), n + 0.5] for n in range(17)]
SCORES = [n / 16 for n in range(17)]
INSTANCE = {"keypoints": XY, "keypoint_scores": SCORES}


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def video(*frames: int, **more: object) -> list[object]:
    return [{"frame_id": n, "instances": [{**INSTANCE, **more}]} for n in frames]


def read_one(path: Path) -> RawSequence:
    (sequence,) = read_all(path, "mmpose").values()
    return sequence


def test_single_empty_list_has_no_sequence(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.json", " [ ]\n")
    assert matching_layouts(tmp_path) == []
    for root in (path, tmp_path):
        with pytest.raises(DataError, match="found no sequence, expected sequences in the layout mmpose"):
            open_raw(root, "mmpose")


def test_frame_names_are_frame_numbers(tmp_path: Path) -> None:
    sequences = read_all(mmpose(tmp_path, make_walks(*KEYS)), "mmpose")
    assert sequences[KEYS[0]].frame_names == ["0", "1", "2", "3"]
    assert sequences[KEYS[1]].frame_names == ["1", "2", "3", "4", "5"]


def test_images_without_people_are_frames(tmp_path: Path) -> None:
    root = mmpose_images(tmp_path, make_walks(KEYS[0]))
    sequence = read_one(root)
    assert sequence.frame_names == ["8", "9", "10", "11", "12", "13"]
    assert [len(people) for people in sequence.people] == [0, 1, 2, 1, 1, 0]
    raw = open_raw(root, "mmpose")
    assert [path.name for path in raw.layout.files(raw.locations[KEYS[0]])] == [f"{n}.json" for n in range(8, 14)]


def test_images_of_the_demo_are_frames(tmp_path: Path) -> None:
    for n in (2, 10):
        write(tmp_path / "anna" / f"results_{n}.json", {"meta_info": {}, "instance_info": [INSTANCE]})
    assert matching_layouts(tmp_path) == ["mmpose"]
    assert read_all(tmp_path, "mmpose")[Key("anna", "00", "00")].frame_names == ["results_2", "results_10"]


def test_folder_of_empty_images_is_a_sequence_without_people(tmp_path: Path) -> None:
    for name in "12":
        write(tmp_path / "anna" / f"{name}.json", [])
        write(tmp_path / "bert" / f"{name}.json", [INSTANCE])
    sequences = read_all(tmp_path, "mmpose")
    assert [[len(people) for people in sequence.people] for sequence in sequences.values()] == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (["a/results_walk.json", "b/results.json"], {("a",), ("b",)}),
        (["a/predictions.json"], {("a",)}),
        (["a/walk.json"], {("a", "walk")}),
        (["a/results_1.json", "a/results_2.json"], {("a", "results_1"), ("a", "results_2")}),  # two files
        (["walk.v2.json"], {("walk.v2",)}),
    ],
)
def test_single_file_with_default_name_takes_the_folder_name(
    tmp_path: Path, files: list[str], parts: set[object]
) -> None:
    raw = tmp_path / "raw"
    for file in files:
        write(raw / file, video(0))
    locations = open_raw(raw, "mmpose").layout.find(raw, None)
    assert set(locations) == parts
    assert {location.path for location in locations.values()} == {raw / file for file in files}


def test_single_image_takes_the_folder_name(tmp_path: Path) -> None:
    write(tmp_path / "anna" / "1.json", [INSTANCE])
    write(tmp_path / "bert" / "1.json", [INSTANCE])
    write(tmp_path / "bert" / "2.json", [INSTANCE])
    assert {key: len(sequence.people) for key, sequence in read_all(tmp_path, "mmpose").items()} == {
        Key("anna", "00", "00"): 1,
        Key("bert", "00", "00"): 2,
    }


@pytest.mark.parametrize(
    ("change", "confidence"),
    [
        ({}, SCORES),
        ({"keypoints": [XY], "keypoint_scores": [SCORES]}, SCORES),  # nested in a list of length 1
        ({"keypoint_scores": [None, *SCORES[1:]]}, [math.nan, *SCORES[1:]]),
        ({"keypoint_scores": [math.nan, *SCORES[1:]]}, [math.nan, *SCORES[1:]]),
        ({"keypoint_scores": None}, [1.0] * 17),
        ({"keypoints": [[0.0, 0.0], *XY[1:]], "keypoint_scores": None}, [0.0, *[1.0] * 16]),
    ],
)
def test_scores_become_confidence(tmp_path: Path, change: dict[str, object], confidence: list[float]) -> None:
    ((joints,),) = read_one(write(tmp_path / "walk.json", video(0, **change))).people
    np.testing.assert_array_equal(joints[:, 2], confidence)
    np.testing.assert_array_equal(joints[1:, :2], XY[1:])


def test_3d_joints_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.json", video(0, keypoints=[[1.0, 2.0, 3.0]] * 17))
    with pytest.raises(ShapeError, match=r"found 3D joints \(joints of shape \(17, 3\) and scores of shape \(17,\)\)"):
        read_one(path)


@pytest.mark.parametrize("keypoints", [None, 5, [], [[]], [1.0, 2.0], [[[1.0, 2.0]] * 17] * 2])
def test_joints_of_other_shape_are_an_error(tmp_path: Path, keypoints: object) -> None:
    path = write(tmp_path / "walk.json", video(0, keypoints=keypoints))
    with pytest.raises(DataError, match=r"walk\.json: found joints"):
        read_one(path)


def test_people_with_different_skeletons_are_an_error(tmp_path: Path) -> None:
    other = {"keypoints": [[1.0, 2.0]] * 26}
    path = write(tmp_path / "walk.json", [{"frame_id": 0, "instances": [INSTANCE, other]}])
    with pytest.raises(ShapeError, match="found people with 17 and 26 joints"):
        read_one(path)


@given(st.permutations(range(12)))
def test_frame_order_is_independent_of_the_list(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    frames = [frame for n in order for frame in video(n, track_id=n)]
    sequence = read_one(write(tmp_path_factory.mktemp("any") / "walk.json", frames))
    assert sequence.frame_names == [str(n) for n in range(12)]
    assert sequence.tracks == [[n] for n in range(12)]


@pytest.mark.parametrize("content", ["", json.dumps(video(0))[:-9], "3", '{"a": []}', "[[]]"])
def test_invalid_file_is_an_error_when_read(tmp_path: Path, content: str) -> None:
    write(tmp_path / "a.json", content)
    write(tmp_path / "b.json", video(0))
    raw = open_raw(tmp_path, "mmpose")
    assert [key.identity for key in raw.keys] == ["a", "b"]
    assert len(raw.read(raw.keys[1]).people) == 1
    with pytest.raises(DataError, match=r"a\.json: found (invalid JSON|other content|an empty file)"):
        raw.read(raw.keys[0])


def test_video_among_images_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "1.json", [INSTANCE])
    write(tmp_path / "2.json", video(0))
    with pytest.raises(DataError, match=r"2\.json: found the frames of a video, expected the people in an image"):
        read_one(tmp_path)
