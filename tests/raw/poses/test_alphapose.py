"""AlphaPose results."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelgait.errors import DataError, ShapeError
from skelgait.raw.poses import open_raw
from skelgait.raw.poses.alphapose import ALPHAPOSE
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key
from tests.raw.poses.dataset_builders import make_walks, person
from tests.raw.poses.estimator_builders import (
    alphapose,
    alphapose_images,
    assert_holds,
    matching_layouts,
    read_all,
    with_passer_by,
)

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"), Key("002", "bg-01", "090"))
JOINTS = person()


def entry(image: object = "0.jpg", keypoints: object = JOINTS, **more: object) -> dict[str, object]:
    return {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": 1.0, **more}


def write(path: Path, *entries: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(entries)))
    return path


def read_one(path: Path) -> RawSequence:
    (sequence,) = read_all(path, "alphapose").values()
    return sequence


@pytest.mark.parametrize("content", ["[]", " [\n] "])
def test_empty_list_has_no_sequence(tmp_path: Path, content: str) -> None:
    (tmp_path / "walk.json").write_text(content)
    assert matching_layouts(tmp_path) == []
    with pytest.raises(DataError, match=r"found no sequence, expected sequences in the layout alphapose"):
        open_raw(tmp_path, "alphapose")


def test_one_file_per_video(tmp_path: Path) -> None:
    walks = make_walks(*KEYS)
    root = alphapose(tmp_path, walks)
    assert matching_layouts(root) == ["alphapose"]
    sequences = read_all(root, "alphapose")
    assert list(sequences) == sorted(walks)
    for key, walk in walks.items():
        frames = list(with_passer_by(walk))
        assert_holds(sequences[key], [*frames[:2], [], *frames[2:]])
        assert sequences[key].frame_names == [str(t) for t in range(len(walk) + 1)]


def test_one_file_with_folders_of_images(tmp_path: Path) -> None:
    walks = make_walks(*KEYS)
    root = alphapose_images(tmp_path, walks)
    assert matching_layouts(root.parent) == matching_layouts(root) == ["alphapose"]
    sequences = read_all(root, "alphapose")
    assert list(sequences) == sorted(walks)
    for key, walk in walks.items():
        assert_holds(sequences[key], with_passer_by(walk))
        assert sequences[key].frame_names == [str(t + 8) for t in range(len(walk))]


def test_single_file_takes_its_own_or_its_folder_name(tmp_path: Path) -> None:
    named = write(tmp_path / "anna" / "alphapose-results.json", entry())
    other = write(tmp_path / "walk.json", entry())
    assert open_raw(named, "alphapose").keys == open_raw(named.parent, "alphapose").keys == [Key("anna", "00", "00")]
    assert open_raw(other, "alphapose").keys == [Key("walk", "00", "00")]


def test_other_files_next_to_results_are_ignored(tmp_path: Path) -> None:
    write(tmp_path / "anna" / "alphapose-results.json", entry())
    write(tmp_path / "anna" / "alphapose-results-forvis-tracked.json", {"0.jpg": []})
    assert matching_layouts(tmp_path) == ["alphapose"]
    assert open_raw(tmp_path, "alphapose").keys == [Key("anna", "00", "00")]


@pytest.mark.parametrize("n_joints", [17, 18, 26, 136])
def test_every_alphapose_skeleton_is_read(tmp_path: Path, n_joints: int) -> None:
    path = write(tmp_path / "walk.json", entry(keypoints=JOINTS + [100.0, 62.0, 0.5] * (n_joints - 17)))
    (joints,) = read_one(path).people[0]
    np.testing.assert_array_equal(joints, np.reshape(JOINTS, (17, 3)))


@pytest.mark.parametrize(
    ("ids", "tracks"),
    [
        ((None, None), None),
        ((2, 1), [[2, 1]]),
        ((2.0, [1]), [[2, 1]]),  # written by older versions
        (([[3], 5], 1), [[-1, 1]]),
        ((0, 0), None),  # without tracking, all ids are 0
        ((0.0, 0), None),
        (("a", "b"), None),
        ((1.5, float("nan")), None),
        (([], 1), [[-1, 1]]),
        ((None, 4), [[-1, 4]]),
    ],
)
def test_distinct_integers_are_track_ids(tmp_path: Path, ids: tuple[object, object], tracks: object) -> None:
    path = write(tmp_path / "walk.json", *(entry(idx=idx) for idx in ids))
    assert read_one(path).tracks == tracks


@given(st.permutations(range(12)))
def test_frame_order_is_independent_of_the_entries(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    rows = {n: person(n) for n in order}
    path = write(tmp_path_factory.mktemp("any") / "walk.json", *(entry(f"f{n}.jpg", rows[n]) for n in order))
    sequence = read_one(path)
    assert sequence.frame_names == [f"f{n}" for n in range(12)]
    assert [people[0, 0, 0] for people in sequence.people] == [100 + n for n in range(12)]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "an empty file"),
        (json.dumps([entry()])[:-20], "invalid JSON"),  # truncated
        ("[" * 100_000, "invalid JSON"),
        ('{"a": 1}', "other content"),
        ("3", "other content"),
        (json.dumps([entry(), 3]), "other content"),
        (json.dumps([entry(), entry(image=3)]), "other content"),
        (json.dumps([entry(), {"image_id": "1.jpg"}]), "other content"),  # boxes only
        (json.dumps([entry(), entry(image="a/1.jpg")]), "images with and without folders"),
        (json.dumps([entry(image="")]), "the path ''"),
        (json.dumps([entry(image="9" * 5000)]), "the path '999"),
        (json.dumps([entry(image="\ud800\n\0")]), r"the path '\\ud800"),
    ],
)
def test_invalid_file_is_an_error_when_read(tmp_path: Path, content: str, found: str) -> None:
    path = write(tmp_path / "walk.json")
    path.write_text(content)
    write(tmp_path / "valid.json", entry())
    raw = open_raw(tmp_path, "alphapose")
    assert [key.identity for key in raw.keys] == ["valid", "walk"]
    assert len(raw.read(raw.keys[0]).people) == 1
    with pytest.raises(DataError, match=rf"walk\.json: found {found}"):
        raw.read(raw.keys[1])


@pytest.mark.parametrize(
    "keypoints",
    [
        None,
        5,
        "abc",
        {"x": 1},
        JOINTS[:-1],
        JOINTS[:-12],
        [*JOINTS, 1.0, 2.0],
        [JOINTS] * 2,
        [10**400] * 51,
        [[1], [1, 2]],
    ],
)
def test_joints_of_other_shape_are_an_error(tmp_path: Path, keypoints: object) -> None:
    path = write(tmp_path / "walk.json", entry(keypoints=keypoints))
    with pytest.raises(DataError, match=r"walk\.json: found"):
        read_one(path)


def test_people_with_different_skeletons_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.json", entry(), entry(keypoints=[1.0] * 78))
    with pytest.raises(ShapeError, match="found people with 17 and 26 joints"):
        read_one(path)


def test_two_files_with_one_name_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "anna" / "alphapose-results.json", entry())
    write(tmp_path / "anna.json", entry())
    with pytest.raises(DataError, match="found anna twice, expected each sequence once"):
        open_raw(tmp_path, "alphapose")


def test_image_paths_stay_inside_the_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "all.json", entry("/../../etc/./x//1.jpg"), entry("C:\\images\\y\\1.jpg"))
    assert set(ALPHAPOSE.find(path, None)) == {("etc", "x"), ("C:", "images", "y")}


def test_modified_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.json", entry())
    raw = open_raw(path, "alphapose")
    assert pickle.loads(pickle.dumps(raw.locations)) == raw.locations
    assert len(raw.read(raw.keys[0]).people) == 1
    write(path, entry(), entry("1.jpg"))
    assert len(raw.read(raw.keys[0]).people) == 2
    write(path, entry("a/1.jpg"))
    with pytest.raises(DataError, match="found no such images, expected keypoints of images in no folder"):
        raw.read(raw.keys[0])
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        raw.read(raw.keys[0])
