"""PYSKL and MMAction2 annotations."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skelgait.errors import DataError
from skelgait.raw.poses import open_raw
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key
from tests.raw.poses.dataset_builders import PERSON, make_walks
from tests.raw.poses.estimator_builders import matching_layouts, pyskl, read_all

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"))
XY = np.arange(1.0, 1 + 2 * 3 * 17 * 2).reshape(2, 3, 17, 2)
SCORES = np.linspace(0.1, 1, 2 * 3 * 17).reshape(2, 3, 17)


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    return path


def annotation(frame_dir: object = "anna", **more: object) -> dict[str, object]:
    return {"frame_dir": frame_dir, "total_frames": 3, "keypoint": XY, **more}


def read_one(path: Path) -> RawSequence:
    (sequence,) = read_all(path, "pyskl").values()
    return sequence


@pytest.mark.parametrize("content", [[], {"split": {}, "annotations": []}])
def test_empty_list_has_no_sequence(tmp_path: Path, content: object) -> None:
    path = write(tmp_path / "walks.pkl", content)
    assert "pyskl" not in matching_layouts(tmp_path)
    for root in (path, tmp_path):
        with pytest.raises(DataError, match="found no sequence, expected sequences in the layout pyskl"):
            open_raw(root, "pyskl")


def test_sequence_key_is_frame_dir(tmp_path: Path) -> None:
    file = pyskl(tmp_path, make_walks(*KEYS))
    assert matching_layouts(file) == matching_layouts(tmp_path) == ["pyskl"]
    sequences = read_all(tmp_path, "pyskl")
    assert list(sequences) == list(KEYS)
    assert [sequence.frame_names for sequence in sequences.values()] == [None, None]


def test_list_without_split_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "walks.pkl", [annotation("S001C001"), annotation("S001C002")])
    assert matching_layouts(path) == ["pyskl"]
    assert [key.identity for key in open_raw(path, "pyskl").keys] == ["S001C001", "S001C002"]


@pytest.mark.parametrize(
    ("arrays", "confidence"),
    [
        ({"keypoint_score": SCORES}, SCORES),
        ({"keypoint": np.concatenate([XY, SCORES[..., None]], axis=3)}, SCORES),
        ({}, np.ones_like(SCORES)),
        ({"keypoint_score": None}, np.ones_like(SCORES)),
    ],
)
def test_confidence_from_scores_or_joints_or_default_1(
    tmp_path: Path, arrays: dict[str, object], confidence: np.ndarray
) -> None:
    sequence = read_one(write(tmp_path / "walks.pkl", [annotation(**arrays)]))
    joints = np.stack(sequence.people, axis=1)
    np.testing.assert_array_equal(joints, np.concatenate([XY, confidence[..., None]], axis=3))
    assert sequence.tracks == [[0, 1]] * 3


def test_missing_joint_has_confidence_0(tmp_path: Path) -> None:
    keypoint = XY.copy()
    keypoint[0, 0, 5] = 0
    sequence = read_one(write(tmp_path / "walks.pkl", [annotation(keypoint=keypoint)]))
    assert sequence.people[0][0, 4:7, 2].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("dtype", "read"), [("<f2", "f4"), (">f2", "f4"), (">f4", "f4"), ("f8", "f8"), ("u1", "f4"), ("i8", "f8")]
)
def test_numbers_become_float32_or_float64(tmp_path: Path, dtype: str, read: str) -> None:
    sequence = read_one(write(tmp_path / "walks.pkl", [annotation(keypoint=XY.astype(dtype))]))
    assert [people.dtype for people in sequence.people] == [np.dtype(read)] * 3
    np.testing.assert_array_equal(sequence.people[1][..., :2], XY.astype(dtype)[:, 1])


@given(arrays(bool, st.tuples(st.integers(0, 3), st.integers(0, 4))))
def test_person_with_all_joints_at_0_is_absent(
    tmp_path_factory: pytest.TempPathFactory, is_present: np.ndarray
) -> None:
    n_people, n_frames = is_present.shape
    keypoint = PERSON * is_present[..., None, None]
    path = write(tmp_path_factory.mktemp("any") / "walks.pkl", [annotation(keypoint=keypoint)])
    sequence = read_one(path)
    assert sequence.tracks == [[m for m in range(n_people) if is_present[m, t]] for t in range(n_frames)]
    assert [len(people) for people in sequence.people] == is_present.sum(axis=0).tolist()


@pytest.mark.parametrize(
    ("frame_dir", "parts"),
    [
        ("/../../etc/passwd", ("etc", "passwd")),
        ("a/./b//c/", ("a", "b", "c")),
        ("../..", None),
        ("", None),
        ("a\nb", None),
        ("a" * 300, None),
        (7, None),
        (None, None),
    ],
)
def test_frame_dir_stays_inside_the_folder(tmp_path: Path, frame_dir: object, parts: tuple[str, ...] | None) -> None:
    path = write(tmp_path / "walks.pkl", [annotation(frame_dir)])
    if parts is None:
        with pytest.raises(DataError, match=r"walks\.pkl: found the path"):
            open_raw(path, "pyskl")
    else:
        assert set(open_raw(path, "pyskl").layout.find(path, None)) == {parts}


class _Exploit:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_pickle_code_is_not_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = write(tmp_path / "walks.pkl", [annotation(keypoint=_Exploit(f"touch {trace}"))])
    assert matching_layouts(path) == []
    with pytest.raises(DataError, match=r"walks\.pkl: found the object posix\.system"):
        open_raw(path, "pyskl")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "Ran out of input"),
        (pickle.dumps([annotation()])[:-99], "pickle data was truncated"),
        (3, "other content"),
        ({"split": {}}, "other content"),
        ([annotation(), 3], "other content"),
        ([{"frame_dir": "anna", "heatmap": XY}], "annotations without keypoints"),
        ([annotation(), annotation("/anna")], "anna twice"),
    ],
)
def test_invalid_file_is_an_error(tmp_path: Path, content: object, found: str) -> None:
    path = write(tmp_path / "walks.pkl", content)
    with pytest.raises(DataError, match=rf"walks\.pkl: found {found}"):
        open_raw(path, "pyskl")


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"keypoint": XY.tolist()}, "a list for joints"),
        ({"keypoint": XY[0]}, r"keypoint of shape \(3, 17, 2\)"),
        ({"keypoint": np.zeros((2, 3, 17, 4))}, r"keypoint of shape \(2, 3, 17, 4\)"),
        ({"keypoint": np.array([XY, None], object)}, "an array of object for joints"),
        ({"keypoint": XY + 1j}, "an array of complex128 for joints"),
        ({"keypoint_score": SCORES[:1]}, r"keypoint of shape \(2, 3, 17, 2\) and keypoint_score of shape \(1, 3, 17\)"),
        ({"keypoint": np.zeros((2, 3, 17, 3)), "keypoint_score": SCORES}, r"3D joints \(keypoint of shape"),
    ],
)  # fmt: skip
def test_array_of_other_shape_affects_only_its_sequence(tmp_path: Path, wrong: dict[str, object], found: str) -> None:
    raw = open_raw(write(tmp_path / "walks.pkl", [annotation("anna", **wrong), annotation("bert")]), "pyskl")
    assert len(raw.read(raw.keys[1]).people) == 3
    with pytest.raises(DataError, match=rf"walks\.pkl: found {found}"):
        raw.read(raw.keys[0])
