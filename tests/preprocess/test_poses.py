"""`skelgait poses`: choice among several people, frames left out, HDF5, and errors."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.storage import Key, PickleTreeWriter, open_source
from tests.commands import cli_runner
from tests.raw.poses import dataset_builders as datasets
from tests.raw.poses.dataset_builders import make_walks

KEYS = (Key("00001", "00", "000"), Key("00003", "01", "015"))
WALKS = make_walks(*KEYS, frames=6)


def call(*args: object) -> tuple[int, str, str]:
    result = cli_runner().invoke(app, ["poses", *map(str, args), "--workers", "1"])
    return result.exit_code, result.stdout, result.stderr


def report(*args: object) -> dict[str, Any]:
    code, out, err = call(*args, "--json")
    assert code == 0, err
    return dict(json.loads(out))


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a tree of OU-MVLP: another person is first in frames 2 and 5, and the last frame is empty."""
    monkeypatch.chdir(tmp_path)
    return datasets.oumvlp(tmp_path / "raw", WALKS)


def poses_of(key: Key, folder: str = "poses") -> np.ndarray:
    return np.asarray(open_source(Path(folder), "pose").read(key)[0])


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    assert call(tmp_path)[0] == 1
    assert "found no file, expected 2D poses in one of the layouts grew, gait3d" in call(tmp_path)[2]


def test_frames_without_a_person_are_left_out_and_counted(raw: Path) -> None:
    counted = report(raw)
    assert (counted["frames"], counted["no_person"]) == (13, 2)
    assert (counted["several_people"], counted["by_continuity"]) == (4, 4)
    assert open_source(Path("poses"), "pose").frame_names(KEYS[0]) == [f"{t:04d}" for t in range(1, 7)]
    for key, walk in WALKS.items():
        np.testing.assert_array_equal(poses_of(key), walk)


def test_person_index_takes_precedence(raw: Path, tmp_path: Path) -> None:
    index = tmp_path.joinpath("index", *KEYS[0])
    index.mkdir(parents=True)
    # Frame 2 is the second; of frame 5 there is no such person; frame 99 does not exist.
    (index / "pose_selection_idx.pkl").write_bytes(pickle.dumps({"0002": 0, "0005": 7, "0099": 0}))
    counted = report(raw, "--person-index", tmp_path / "index")
    assert (counted["several_people"], counted["by_index"], counted["by_continuity"]) == (4, 1, 3)
    expected = WALKS[KEYS[0]].copy()
    expected[1] += [500, 0, 0]
    np.testing.assert_array_equal(poses_of(KEYS[0]), expected)
    (index / "pose_selection_idx.pkl").write_bytes(pickle.dumps([1, 2]))
    assert "found a list, expected a dictionary from frame" in call(raw, "--person-index", tmp_path / "index")[2]


def test_silhouette_chooses_the_person(raw: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images" / "Silhouette_000-00" / "00001"
    folder.mkdir(parents=True)
    image = np.zeros((800, 1400), np.uint8)
    image[150:700, 700:1200] = 255  # where the other person stands
    cv2.imwrite(str(folder / "0002.png"), image)
    counted = report(raw, "--silhouette-images", tmp_path / "images")
    assert (counted["several_people"], counted["by_silhouette"], counted["by_continuity"]) == (4, 1, 3)
    expected = WALKS[KEYS[0]].copy()
    expected[1] += [500, 0, 0]
    np.testing.assert_array_equal(poses_of(KEYS[0]), expected)


@pytest.mark.parametrize("flag", ["--person-index", "--silhouette-images"])
def test_index_or_silhouettes_of_other_sequences_are_refused(raw: Path, tmp_path: Path, flag: str) -> None:
    folder = tmp_path / "other" / "00099" / "00" / "000"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "0002.png"), np.full((9, 9), 255, np.uint8))
    code, _, err = call(raw, flag, tmp_path / "other")
    assert code == 1
    assert f"{flag}: found " in err
    assert not Path("poses").exists()


def test_sequence_without_joints_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    PickleTreeWriter(tmp_path / "raw").write(KEYS[0], np.full((3, 17, 3), np.nan))
    code, _, err = call(tmp_path / "raw")
    assert code == 1
    assert "found no joint in any of 3 frames, expected a person" in err


def test_videos_in_one_folder_are_separate_sequences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key, walk in WALKS.items():
        datasets.openpose(tmp_path / key.identity, {Key("a", "b", "c"): walk})
        for path in tmp_path.joinpath(key.identity, "a", "b", "c").iterdir():
            (tmp_path / "raw").mkdir(exist_ok=True)
            path.rename(tmp_path / "raw" / path.name.replace("walk", f"video{key.identity}"))
    report(tmp_path / "raw")
    poses = open_source(Path("poses"), "pose")
    assert list(poses.keys) == [Key(f"video{key.identity}", "00", "00") for key in KEYS]
    for key, walk in WALKS.items():
        np.testing.assert_array_equal(poses.read(Key(f"video{key.identity}", "00", "00"))[0], walk)


def test_table_shows_how_the_person_was_chosen(raw: Path) -> None:
    _, out, _ = call(raw)
    lines = {line.strip().rsplit(maxsplit=1)[0].strip(): line.split()[-1] for line in out.splitlines() if line.strip()}
    assert lines["layout"] == "oumvlp"
    assert lines["frames with several people"] == "4"
    assert lines["walker chosen by track continuity"] == "4"


def test_joints_that_cannot_be_become_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    walk = WALKS[KEYS[0]].copy()
    walk[1, 3] = np.nan
    walk[2, 4, 0] = np.inf
    walk[0, 5, 1] = -1e38
    PickleTreeWriter(tmp_path / "raw").write(KEYS[0], walk)
    assert report(tmp_path / "raw")["not_finite"] == 3
    assert poses_of(KEYS[0])[[1, 2, 0], [3, 4, 5]].tolist() == [[0, 0, 0]] * 3


def test_unreadable_sequence_is_reported_and_others_are_written(raw: Path) -> None:
    for path in raw.joinpath("00003", "015_01").iterdir():
        path.write_text("{")
    code, _out, err = call(raw)
    assert code == 1
    assert "Warning: 00003/01/015: " in err
    assert "invalid JSON" in err
    assert list(open_source(Path("poses"), "pose").keys) == [KEYS[0]]


def test_sequence_without_a_person_is_reported(raw: Path) -> None:
    for path in raw.joinpath("00003", "015_01").iterdir():
        path.write_text('{"people": []}')
    code, _, err = call(raw)
    assert code == 1
    assert "00003/01/015: found no person in any of 8 frames, expected a person" in err


def test_hdf5_refuses_other_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    PickleTreeWriter(tmp_path / "raw").write(KEYS[0], WALKS[KEYS[0]])
    PickleTreeWriter(tmp_path / "raw").write(KEYS[1], WALKS[KEYS[1]].astype(np.float32))
    code, _, err = call(tmp_path / "raw", "--storage", "hdf5")
    assert code == 1
    assert "found 17 joints of float32, expected 17 joints of float64, as in the first sequence of the store" in err
    assert list(open_source(Path("poses"), "pose").keys) == [KEYS[0]]
    assert report(tmp_path / "raw", "--poses", "tree")["sequences"] == 2


def test_names_and_pattern_select_files_and_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("anna_bag", "ben_coat"):
        folder = tmp_path / "raw" / "day1" / name
        folder.mkdir(parents=True)
        (folder / "walk.pkl").write_bytes(pickle.dumps(WALKS[KEYS[0]]))
        (folder / "other.pkl").write_bytes(pickle.dumps(WALKS[KEYS[1]]))
    code, _, err = call(tmp_path / "raw", "--names", "*/{identity}_{condition}")
    assert code == 1
    assert "found 2 pose files among other.pkl, walk.pkl, expected 1; select the pose file with --pattern" in err
    report(tmp_path / "raw", "--names", "*/{identity}_{condition}", "--pattern", "walk.pkl", "--overwrite")
    assert list(open_source(Path("poses"), "pose").keys) == [Key("anna", "bag", "00"), Key("ben", "coat", "00")]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nowhere",), "nowhere: found No such file or directory"),
        (("raw", "--layout", "gait3"), "--layout: found gait3, expected one of grew, gait3d"),
        (("raw", "--layout", "gait3d"), "raw: found no sequence, expected sequences in the layout gait3d"),
        (("raw", "--names", "{view}"), "--names: found {view}, expected a template with {identity}"),
        (("raw", "--poses", "raw"), "raw: found the raw dataset itself, expected another folder"),
    ],
)
def test_errors_are_one_line(raw: Path, args: tuple[str, ...], message: str) -> None:
    code, out, err = call(*args)
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1


def test_error_describes_files_that_are_no_poses(tmp_path: Path) -> None:
    PickleTreeWriter(tmp_path).write(KEYS[0], np.zeros((9, 85)))
    code, _, err = call(tmp_path)
    assert code == 1
    assert "1 .pkl; 000.pkl contains rows of 85 numbers (like SMPL parameters))" in err


def test_maps_are_drawn_from_collected_poses_of_sustech1k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    datasets.sustech1k(tmp_path / "raw", make_walks(Key("0000", "00-nm", "000"), frames=6))
    report(tmp_path / "raw")
    result = cli_runner().invoke(app, ["heatmap", "--dataset", "SUSTech1K", "--workers", "1", "--json"])
    assert json.loads(result.stdout)["sequences"] == 1
