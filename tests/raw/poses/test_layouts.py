"""Every raw pose layout, through the commands, to skeleton maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.maps import skeleton_maps
from skelgait.raw.poses import LAYOUTS, recognize_layout
from skelgait.raw.poses.registry import get_layout
from skelgait.storage import Key, open_source
from tests.commands import cli_runner
from tests.raw.poses import dataset_builders as datasets
from tests.raw.poses import estimator_builders as estimators
from tests.raw.poses import tool_builders as tools
from tests.raw.poses.dataset_builders import Walks, make_walks


class Case(NamedTuple):
    """Builder of a raw dataset, its sequences, and the expected result."""

    build: Callable[[Path, Walks], Path]
    keys: tuple[tuple[str, str, str], ...]
    layout: str
    frame_names: tuple[str, ...] | None = None  # of the first sequence
    joints: Callable[[np.ndarray], np.ndarray] = np.asarray  # from the input of the builder to the values in its files
    flags: tuple[str, ...] = ()


SIZE = ("--image-size", f"{tools.SIZE}x{tools.SIZE}")
PLAIN = (("001", "nm-01", "090"), ("001", "nm-02", "000"), ("002", "bg-01", "090"))
CASES = {
    "gait3d": Case(
        datasets.gait3d,
        (("0000", "camid0_videoid2", "seq0"), ("0001", "camid3_videoid2", "seq1")),
        "gait3d",
        tuple(f"human_crop_f{n}" for n in (9998, 9999, 10000, 10001)),
    ),
    "grew": Case(
        datasets.grew,
        (("00001train", "00", "zb"), ("00001", "01", "a10"), ("00001", "02", "a9"), ("probe", "03", "v7")),
        "grew",
        ("00001", "00002", "00003", "00004"),
    ),
    "grew rows": Case(datasets.grew_rows, (("00001train", "00", "zb"), ("probe", "03", "v7")), "pickles"),
    "oumvlp": Case(
        datasets.oumvlp,
        (("00001", "00", "000"), ("00001", "01", "015"), ("00002", "00", "270")),
        "oumvlp",
        ("0001", "0002", "0003", "0004"),
    ),
    "sustech1k": Case(datasets.sustech1k, (("0000", "00-nm", "000"), ("0001", "01-bg", "045")), "pickles"),
    "ccpg": Case(
        datasets.ccpg,
        (("000", "U0_D0", "01_1"), ("100", "U1_D1", "02_0")),
        "pickles",
        None,
        lambda a: a.astype(np.float32),
    ),
    "casia-b-pose": Case(datasets.casia_b_pose, PLAIN, "pickles", ("007", "009", "011", "013")),
    "openpose": Case(
        datasets.openpose, PLAIN, "openpose", tuple(f"walk_{t:012d}" for t in range(4))
    ),
    "alphapose": Case(estimators.alphapose, PLAIN, "alphapose", ("0", "1", "3", "4")),
    "alphapose images": Case(estimators.alphapose_images, PLAIN, "alphapose", ("8", "9", "10", "11")),
    "mmpose": Case(estimators.mmpose, PLAIN, "mmpose", ("0", "1", "2", "3")),
    "mmpose images": Case(estimators.mmpose_images, PLAIN, "mmpose", ("9", "10", "11", "12")),
    "coco": Case(estimators.coco, PLAIN, "coco", ("9", "10", "11", "12"), estimators.flagged),
    "coco results": Case(estimators.coco_results, PLAIN, "coco", ("8", "9", "10", "11")),
    "pyskl": Case(estimators.pyskl, PLAIN, "pyskl", None, estimators.halved),
    "casia-b-csv": Case(
        estimators.casia_b_csv, PLAIN, "casia-b-csv", ("8", "9", "10", "11"), lambda a: a.astype(np.float32)
    ),
    "csv named": Case(tools.csv_named, PLAIN, "table"),
    "csv mediapipe": Case(tools.csv_mediapipe, PLAIN, "table", ("0", "1", "2", "3"), flags=SIZE),
    "csv mediapipe cells": Case(tools.csv_mediapipe_cells, PLAIN, "table", None, tools.without_confidence, SIZE),
    "csv numbered": Case(tools.csv_numbered, PLAIN, "table", ("0", "1", "3", "4"), tools.without_confidence),
    "csv people": Case(tools.csv_people, PLAIN, "table", ("0", "1", "2", "3")),
    "deeplabcut": Case(tools.deeplabcut, PLAIN, "table", ("0", "1", "2", "3")),
    "yolo txt": Case(
        tools.yolo_text, PLAIN, "yolo-txt", tuple(f"001-nm-01-090_{n}" for n in (1, 2, 4, 5)), flags=SIZE
    ),
    "ultralytics": Case(tools.ultralytics, PLAIN, "ultralytics", ("0", "1", "2", "3")),
    "yolo video": Case(tools.yolo_video, PLAIN, "yolo-video", ("0", "1", "2", "3")),
    "yolov7": Case(tools.yolov7, PLAIN, "yolov7", ("0", "1", "2", "3")),
    "openpifpaf": Case(tools.openpifpaf, PLAIN, "openpifpaf", ("0000", "0001", "0002", "0003")),
    "people list": Case(tools.people_list, PLAIN, "people-list", ("0", "1", "2", "3")),
    "alphapose cmu": Case(tools.alphapose_cmu, PLAIN, "alphapose", ("0", "1", "2", "3")),
    "alphapose open": Case(tools.alphapose_open, PLAIN, "alphapose", ("0", "1", "2", "3")),
    "alphapose object": Case(tools.alphapose_object, PLAIN, "alphapose", ("7",), lambda a: a[:1]),
    "kinetics": Case(tools.kinetics, PLAIN, "kinetics-skeleton", ("1", "2", "3", "4"), flags=SIZE),
    "ntu": Case(tools.ntu, PLAIN, "ntu", ("0", "1", "2", "3"), tools.without_face),
    "numpy": Case(tools.arrays, PLAIN, "numpy", ("0", "1", "2", "3")),
    "st-gcn array": Case(tools.stgcn_array, (("data", "00000", "00"),), "numpy", ("0", "1", "2", "3")),
    "trc": Case(tools.trc, PLAIN, "trc", ("0", "1", "2", "3"), tools.without_confidence),
}  # fmt: skip


def run(*args: object) -> dict[str, object]:
    result = cli_runner().invoke(app, [*map(str, args), "--json"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def test_every_layout_has_a_case() -> None:
    assert {case.layout for case in CASES.values()} == set(LAYOUTS)


def test_layout_has_its_name_in_the_registry() -> None:
    assert [get_layout(name).name for name in LAYOUTS] == list(LAYOUTS)


@pytest.mark.parametrize("name", CASES)
def test_raw_dataset_becomes_poses_and_maps(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = CASES[name]
    walks = make_walks(*map(Key._make, case.keys))
    source = case.build(tmp_path / "raw", walks)
    assert recognize_layout(source).name == case.layout
    report = run("poses", source, "--workers", 1, *case.flags)
    assert (report["layout"], report["sequences"], report["failed"]) == (case.layout, len(walks), [])
    run("heatmap", "--workers", 1)
    poses, maps = open_source(tmp_path / "poses", "pose"), open_source(tmp_path / "maps", "map")
    assert list(poses.keys) == list(maps.keys) == sorted(walks)
    for key, keypoints_xyc in walks.items():
        np.testing.assert_array_equal(poses.read(key)[0], case.joints(keypoints_xyc))
        np.testing.assert_array_equal(maps.read(key)[0], skeleton_maps(case.joints(keypoints_xyc)).maps)
    first = next(iter(walks))
    expected = None if case.frame_names is None else list(case.frame_names)
    assert poses.frame_names(first) == maps.frame_names(first) == expected
    assert run("poses", source, "--workers", 1, *case.flags)["skipped"] == len(walks)
