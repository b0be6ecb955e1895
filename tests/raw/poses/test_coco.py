"""COCO keypoints: annotations and results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelgait.errors import DataError, ShapeError
from skelgait.raw.poses import open_raw
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key
from tests.raw.poses.dataset_builders import make_walks, person
from tests.raw.poses.estimator_builders import coco, coco_results, matching_layouts, read_all

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"))
SURE = person()


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def annotated(images: dict[int, str], *people: dict[str, object]) -> dict[str, object]:
    return {
        "images": [{"id": n, "file_name": name} for n, name in images.items()],
        "annotations": [{"id": n, "category_id": 1, "keypoints": SURE, **person} for n, person in enumerate(people)],
    }


def read_one(path: Path) -> RawSequence:
    (sequence,) = read_all(path, "coco").values()
    return sequence


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"images": [], "annotations": []}',
        annotated({1: "1.jpg"}),  # no people in any image
        {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]},
    ],
)
def test_file_without_people_has_no_sequence(tmp_path: Path, content: object) -> None:
    path = write(tmp_path / "walk.json", content)
    assert matching_layouts(tmp_path) == []
    for root in (path, tmp_path):
        with pytest.raises(DataError, match="found no sequence, expected sequences in the layout coco"):
            open_raw(root, "coco")


def test_frames_are_images_in_natural_order(tmp_path: Path) -> None:
    walks = make_walks(*KEYS)
    annotations = read_all(coco(tmp_path / "a", walks), "coco")
    assert [sequence.frame_names for sequence in annotations.values()] == [
        ["8", "9", "10", "11", "12"],
        [*map(str, range(8, 14))],
    ]
    assert annotations[KEYS[0]].tracks == [[], [3], [3, 7], [3], [3]]
    results = read_all(coco_results(tmp_path / "r", walks), "coco")
    assert results[KEYS[0]].frame_names == ["8", "9", "10", "11"]
    assert results[KEYS[0]].tracks is None


def test_images_without_folder_are_one_sequence(tmp_path: Path) -> None:
    content = annotated({7: "f10.jpg", 8: "f9.jpg", 9: "f11.jpg"}, {"image_id": 7}, {"image_id": 8}, {"image_id": 7})
    sequence = read_all(write(tmp_path / "anna.json", content), "coco")[Key("anna", "00", "00")]
    assert sequence.frame_names == ["f9", "f10", "f11"]
    assert [len(people) for people in sequence.people] == [1, 2, 0]


def test_image_folders_are_appended_to_the_file_folder(tmp_path: Path) -> None:
    for part, identity in (("train", "001"), ("test", "002")):
        content = annotated({1: f"{identity}/nm-01/1.jpg", 2: f"{identity}/bg-01/1.jpg"}, {"image_id": 1})
        write(tmp_path / part / "person_keypoints.json", content)
    assert set(open_raw(tmp_path, "coco").keys) == {
        Key(part, identity, condition)
        for part, identity in (("train", "001"), ("test", "002"))
        for condition in ("bg-01", "nm-01")
    }


def test_image_folder_in_two_files_is_an_error(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write(tmp_path / name, annotated({1: "anna/1.jpg"}, {"image_id": 1}))
    with pytest.raises(DataError, match="found anna twice, expected each sequence once"):
        open_raw(tmp_path, "coco")


@pytest.mark.parametrize(
    ("third", "xyc"),
    [
        (0, [0.0, 0.0, 0.0]),  # flag: not labeled
        (1, [4.0, 205.0, 1.0]),  # flag: not visible
        (2, [4.0, 205.0, 1.0]),
        (0.5, [4.0, 205.0, 0.5]),
        (None, [4.0, 205.0, np.nan]),
    ],
)
def test_third_value_is_a_flag_if_all_are(tmp_path: Path, third: object, xyc: list[float]) -> None:
    row = [*person(third=2 if third in (0, 1, 2, None) else 0.25)[:48], 4.0, 205.0, third]
    path = write(tmp_path / "walk.json", annotated({1: "1.jpg"}, {"image_id": 1, "keypoints": row}))
    ((joints,),) = read_one(path).people
    np.testing.assert_array_equal(joints[16], xyc)
    assert joints[0, 2] == (0.25 if third == 0.5 else 1.0)


def test_flags_mixed_with_confidences_are_an_error(tmp_path: Path) -> None:
    people = [{"image_id": 1, "keypoints": person(third=third)} for third in (2, 0.5)]
    with pytest.raises(DataError, match=r"found visibility flags 0, 1, 2 mixed with confidences such as 0\.5"):
        read_one(write(tmp_path / "walk.json", annotated({1: "1.jpg"}, *people)))


@pytest.mark.parametrize("change", [{"num_keypoints": 0}, {"keypoints": [0] * 51}, {"keypoints": person(third=0)}])
def test_person_without_joints_is_ignored(tmp_path: Path, change: dict[str, object]) -> None:
    content = annotated({1: "1.jpg", 2: "2.jpg"}, {"image_id": 1, **change}, {"image_id": 2})
    assert [len(people) for people in read_one(write(tmp_path / "walk.json", content)).people] == [0, 1]


def test_boxes_of_other_categories_are_ignored(tmp_path: Path) -> None:
    content = annotated({1: "1.jpg"}, {"image_id": 1})
    content["annotations"] += [{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}]  # type: ignore[operator]
    path = write(tmp_path / "walk.json", content)
    assert matching_layouts(path) == ["coco"]
    assert [len(people) for people in read_one(path).people] == [1]


def test_results_without_keypoints_are_an_error_when_read(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.json", [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}])
    assert matching_layouts(path) == []
    with pytest.raises(DataError, match=r"walk\.json: found no such images, expected keypoints of images in no folder"):
        read_one(path)


@given(st.permutations(range(12)))
def test_frame_order_is_independent_of_the_list(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    people = [{"image_id": n, "track_id": n} for n in order]
    path = tmp_path_factory.mktemp("any") / "walk.json"
    sequence = read_one(write(path, annotated({n: f"a/{n}.jpg" for n in reversed(order)}, *people)))
    assert sequence.frame_names == [str(n) for n in range(12)]
    assert sequence.tracks == [[n] for n in range(12)]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (json.dumps(annotated({1: "1.jpg"}, {"image_id": 1}))[:-9], "invalid JSON"),  # truncated
        ("3", "other content"),
        ({"annotations": [{"image_id": 1, "keypoints": SURE}]}, "other content"),
        ({"images": [3], "annotations": []}, "other content"),
        (annotated({1: "1.jpg"}, {"image_id": 2}), "an annotation of image 2"),
        (annotated({1: "1.jpg"}, {"image_id": [1]}), r"the image_id \[1\]"),
        (annotated({1: "1.jpg"}, {"image_id": "1"}), "the image_id '1'"),
        (annotated({1: ""}, {"image_id": 1}), "the path ''"),
        (annotated({1: "a\0.jpg"}, {"image_id": 1}), "the path 'a"),
        (annotated({1: "1.jpg"}, {"image_id": 1, "keypoints": 7}), r"joints of shape \(\)"),
        (annotated({1: "1.jpg"}, {"image_id": 1, "keypoints": [*SURE, 1.0, 2.0]}), r"joints of shape \(53,\)"),
        (annotated({1: "1.jpg"}, {"image_id": 1, "keypoints": SURE[:39]}), "13 joints"),
        (annotated({1: "1.jpg"}, {"image_id": 1, "keypoints": ["a"] * 51}), "joints that are not numbers"),
    ],
)
def test_invalid_file_is_an_error(tmp_path: Path, content: object, found: str) -> None:
    path = write(tmp_path / "walk.json", content)
    with pytest.raises(DataError, match=rf"walk\.json: found {found}"):
        read_one(path)


def test_people_with_different_skeletons_are_an_error(tmp_path: Path) -> None:
    content = annotated({1: "1.jpg"}, {"image_id": 1}, {"image_id": 1, "keypoints": [0.5] * 78})
    with pytest.raises(ShapeError, match="found people with 17 and 26 joints"):
        read_one(write(tmp_path / "walk.json", content))
