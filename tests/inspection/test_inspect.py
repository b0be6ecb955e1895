"""Inspection of files and folders."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.errors import DataError
from skelgait.inspection import Inspection, inspect_path
from skelgait.inspection.report import evenly_spaced
from skelgait.preprocess.convert import convert_store
from skelgait.preprocess.pairs import pair_sequences, write_pairs
from skelgait.storage import Key, PickleTreeWriter, open_source
from tests.commands import cli_runner
from tests.raw.poses import dataset_builders as datasets
from tests.raw.poses.dataset_builders import coco18, make_walks
from tests.synthetic_data import write_dataset

KEYS = (Key("001", "nm-01", "090"), Key("075", "bg-01", "000"))
WALKS = make_walks(*KEYS, frames=6)


def tree(root: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """Write a pickle tree of the walks after `change`."""
    for key, walk in WALKS.items():
        PickleTreeWriter(root).write(key, change(walk))
    return root


def random(shape: tuple[int, ...], dtype: type = np.uint8) -> Callable[[np.ndarray], np.ndarray]:
    return lambda walk: (np.random.default_rng(0).random((len(walk), *shape)) * 255).astype(dtype)


def test_empty_missing_or_unknown_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no file, expected poses, maps"):
        inspect_path(tmp_path)
    with pytest.raises(DataError, match="nowhere: found No such file or directory"):
        inspect_path(tmp_path / "nowhere")
    (tmp_path / "walk.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"found empty files: 1 of 1"):
        inspect_path(tmp_path)


def without(*joints: int) -> Callable[[np.ndarray], np.ndarray]:
    def remove(walk: np.ndarray) -> np.ndarray:
        walk = walk.copy()
        walk[:, joints] = 0
        return walk

    return remove


@pytest.mark.parametrize(
    ("change", "description", "problem"),
    [
        (lambda walk: walk, "a pickle tree of poses for `skelgait heatmap`", ""),
        (coco18, "a pickle tree of poses for `skelgait heatmap`", ""),  # converted by skelgait
        # data that users mistake for poses
        (random((85,), np.float32), "SMPL parameters (T, 85), no 2D joints", "use the 2D poses of the dataset"),
        (random((64, 64)), "a pickle tree of aligned silhouettes", "contains no poses: `skelgait heatmap`"),
        (random((64, 64), np.float32), "silhouettes (T, 64, 64) of float32, no poses", "write them as uint8"),
        (lambda walk: coco18(walk)[:, :17], "poses", "that of OpenPose-18 without its last"),
        (lambda walk: np.concatenate([walk, walk[:, :1]], 1), "poses", ""),
        (lambda walk: walk * [1, -1, 1], "poses", "bodies are upside down"),
        (lambda walk: walk[:, [11, 12, 14, 16, 11, 13, 15, *range(10)]], "poses", "missing in every frame"),
        (lambda walk: walk[..., :2], "raw poses for `skelgait poses`", ""),  # adds the confidence
        (random((22, 3), np.float32), "(T, 22, 3): 22 joints or 3D points", "known skeletons have 14, 15, 16"),
        (random((3, 128, 128)), "color images", "run a 2D pose estimator"),
        # poses that give bad maps
        (without(15, 16), "poses", "missing in every frame, such as 001/nm-01/090 (left ankle, right ankle)"),
        (lambda walk: walk * [1, 1, 2], "poses", "confidences outside 0 to 1"),
        (lambda walk: walk * [1, 0, 1], "poses", "frames with all joints at the same height"),
        (lambda walk: walk[:3], "poses", "2 sequences with fewer than 5 frames, such as 001/nm-01/090"),
        (lambda walk: walk * np.where(np.arange(17) == 3, np.nan, 1)[:, None], "raw poses", "missing in every frame"),
    ],
)  # fmt: skip
def test_poses_and_other_arrays_in_a_tree(
    tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], description: str, problem: str
) -> None:
    result = inspect_path(tree(tmp_path / "poses", change))
    assert description in result.description
    assert result.problems == [] if not problem else any(problem in line for line in result.problems), result.problems


def test_maps_silhouettes_and_pairs_have_next_command(tmp_path: Path) -> None:
    maps, silhouettes = tree(tmp_path / "maps", random((2, 64, 64))), tree(tmp_path / "sils", random((64, 44)))
    assert inspect_path(maps).next_command == f"skelgait train --maps {maps} --dataset CASIA-B"
    result = inspect_path(silhouettes)
    assert (result.facts["frame shape"], result.problems) == ("(64, 44)", [])
    assert result.next_command == f"skelgait link --silhouettes {silhouettes} --dataset CASIA-B"
    sources = open_source(maps, "map"), open_source(silhouettes, "silhouette")
    write_pairs(pair_sequences(*sources), *sources, tmp_path / "pairs", silhouette_pattern=None)
    result = inspect_path(tmp_path / "pairs")
    assert result.description.startswith("pairs of skeleton maps and silhouettes")
    assert result.facts["frame shape"] == "(2, 64, 64) and (64, 44)"
    assert "--network skeletongait++" in result.next_command


def test_hdf5_store_is_recognized_by_folder_and_file(tmp_path: Path) -> None:
    convert_store(
        open_source(tree(tmp_path / "tree", lambda walk: walk), "pose"), tmp_path / "parts", "hdf5", workers=1
    )
    for path in (tmp_path / "parts", tmp_path / "parts" / "shard-00000.h5"):
        assert inspect_path(path).description.startswith("an HDF5 store of poses")


def test_binary_or_black_silhouettes_are_a_problem(tmp_path: Path) -> None:
    result = inspect_path(tree(tmp_path / "sils", lambda walk: (random((64, 64))(walk) > 99).astype(np.uint8)))
    assert any("values 0 and 1" in problem for problem in result.problems)
    result = inspect_path(tree(tmp_path / "black", lambda walk: random((64, 64))(walk) * (walk[:, 0, :1, None] < 308)))
    assert any("black frames" in problem for problem in result.problems)


def test_dataset_is_recognized_by_its_keys(tmp_path: Path) -> None:
    write_dataset(tmp_path, "SUSTech1K")
    result = inspect_path(tmp_path / "poses")
    assert result.facts["dataset"] == "SUSTech1K"
    assert result.facts["training identities"] == "4 of 250"
    assert result.facts["test identities"] == "4 of 800"
    assert result.next_command.endswith("--dataset SUSTech1K")
    tree(tmp_path / "own", lambda walk: walk)
    PickleTreeWriter(tmp_path / "own").write(Key("anna", "walk", "left"), WALKS[KEYS[0]])
    result = inspect_path(tmp_path / "own")
    assert result.facts["dataset"] == "unknown"
    assert any("no official partition for these identities" in problem for problem in result.problems)


def test_silhouettes_among_other_pickles_are_recognized(tmp_path: Path) -> None:
    for name, shape in (("aligned-sils", (64, 64)), ("sils", (64, 64)), ("rgbs", (3, 128, 128))):
        PickleTreeWriter(tmp_path).write(Key("000", "U0_D0", "01_0"), np.ones((9, *shape), np.uint8), f"01_0-{name}")
    result = inspect_path(tmp_path)
    assert result.description.startswith("a pickle tree of aligned silhouettes")
    assert result.next_command == f"skelgait link --silhouettes {tmp_path} --dataset CCPG"


def test_identities_outside_the_partition_are_a_problem(tmp_path: Path) -> None:
    PickleTreeWriter(tmp_path).write(Key("125", "nm-01", "090"), WALKS[KEYS[0]])
    problems = inspect_path(tmp_path).problems
    assert any("1 identities are not in the partition of CASIA-B (125)" in problem for problem in problems)
    assert any("no training identity of the partition" in problem for problem in problems)


def test_raw_poses_have_facts_and_problems(tmp_path: Path) -> None:
    keys = (Key("00001", "00", "000"), Key("00002", "01", "015"))
    root = datasets.oumvlp(tmp_path / "raw", make_walks(*keys, frames=6))
    result = inspect_path(root)
    assert result.facts["layout"] == "oumvlp"
    assert result.facts["dataset"] == "OUMVLP"
    assert result.facts["joints"] == "OpenPose-18"
    assert result.facts["frames without people"] == "13.3 %"  # 2 of 15
    assert result.facts["frames with several people"] == "26.7 %"  # 4 of 15
    assert result.next_command == f"skelgait poses {root}"
    next(root.rglob("*.json")).write_text('{"people": [')
    assert any("invalid JSON" in problem for problem in inspect_path(root).problems)


def test_poses_with_mapping_file_are_raw(tmp_path: Path) -> None:
    root = datasets.casia_b_pose(tmp_path / "raw", WALKS)
    assert inspect_path(root).next_command == f"skelgait poses {root}"


def test_sequences_without_a_walker_array_are_a_problem(tmp_path: Path) -> None:
    ragged = np.empty(2, object)
    ragged[:] = [WALKS[KEYS[0]][0].tolist(), WALKS[KEYS[0]][1, :16].tolist()]
    nobody = np.empty(2, object)
    nobody[:] = [[], []]
    for key, content in zip(KEYS, (ragged, nobody), strict=True):
        tmp_path.joinpath(*key).mkdir(parents=True)
        tmp_path.joinpath(*key, "walk.pkl").write_bytes(pickle.dumps(content))
    problems = inspect_path(tmp_path).problems
    assert any("found people with 16 and 17 joints" in problem for problem in problems)
    assert "075/bg-01/000: no person in any frame; `skelgait poses` will skip it" in problems


def test_silhouette_and_color_images_are_distinguished(tmp_path: Path) -> None:
    for key in KEYS:
        tmp_path.joinpath("sils", *key).mkdir(parents=True)
        tmp_path.joinpath("frames", *key).mkdir(parents=True)
        for t in range(3):
            cv2.imwrite(str(tmp_path.joinpath("sils", *key, f"{t}.png")), np.full((32, 32), 255, np.uint8))
            cv2.imwrite(str(tmp_path.joinpath("frames", *key, f"{t}.png")), np.full((8, 8, 3), [9, 5, 1], np.uint8))
    result = inspect_path(tmp_path / "sils")
    assert (result.description, result.facts["dataset"]) == (
        "silhouette images for `skelgait silhouettes`",
        "CASIA-B",
    )
    assert result.next_command == f"skelgait silhouettes {tmp_path / 'sils'}"
    result = inspect_path(tmp_path / "frames")
    assert result.description == "color images"
    assert "run a pose estimator on the images first" in result.problems[0]


def test_single_files_are_recognized(tmp_path: Path) -> None:
    def pickled(content: object) -> Inspection:
        (tmp_path / "seq.pkl").write_bytes(pickle.dumps(content))
        return inspect_path(tmp_path / "seq.pkl")

    assert pickled(WALKS[KEYS[0]]).facts["joints"] == "17, COCO-17"
    assert pickled(np.zeros((7, 85))).description.startswith("SMPL parameters")
    assert pickled(np.zeros((7, 64, 64), np.uint8)).description == "aligned silhouettes of one sequence"
    (tmp_path / "partition.json").write_text('{"TRAIN_SET": ["a"], "TEST_SET": ["b", "c"]}')
    result = inspect_path(tmp_path / "partition.json")
    assert (result.description, result.facts["test identities"]) == ("a partition", 2)
    (tmp_path / "net.pt").write_bytes(b"")
    assert inspect_path(tmp_path / "net.pt").description == "a network checkpoint"


def test_at_most_n_sequences_are_read(tmp_path: Path) -> None:
    root = tree(tmp_path / "poses", lambda walk: walk)
    root.joinpath(*KEYS[1], f"{KEYS[1].view}.pkl").write_bytes(b"junk")
    result = inspect_path(root, sequences=1)
    assert result.facts["sequences"] == "2, 1 of them read"
    assert not any("cannot be read" in problem for problem in result.problems)
    assert any("cannot be read" in problem for problem in inspect_path(root).problems)
    assert evenly_spaced([], 3) == []
    assert evenly_spaced(list(range(10)), 3) == [0, 4, 9]
    assert evenly_spaced(list(range(10)), 1) == [0]


def test_inspect_command_prints_text_or_json(tmp_path: Path) -> None:
    root = tree(tmp_path / "poses", lambda walk: walk)
    result = cli_runner().invoke(app, ["inspect", str(root)])
    assert result.exit_code == 0
    assert f"Next\n  skelgait heatmap --poses {root} --dataset CASIA-B\n" in result.stdout
    assert "Problems\n  none found\n" in result.stdout
    report = json.loads(cli_runner().invoke(app, ["inspect", str(root), "--json"]).stdout)
    assert report["facts"]["joints"] == "17, COCO-17"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("train.json", [{"joints": [[1, 2]] * 16, "joints_vis": [1] * 16, "image": "1.jpg"}], "MPII annotations"),
        (
            "boxes.json",
            {"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]},
            "boxes without keypoints",
        ),
        ("detections.json", [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}], "boxes without keypoints"),
        ("walk.json", [{"joints_3d": [[1, 2, 3]] * 17}], "3D joints"),
        ("walk.bvh", "HIERARCHY", "3D motion capture (.bvh)"),
        ("sample.pkl", [{"frame_dir": "a", "label": 1}], "annotations without keypoints"),
    ],
)
def test_files_that_are_no_poses_are_named_for_their_kind(
    tmp_path: Path, name: str, content: object, kind: str
) -> None:
    path = tmp_path / name
    if name.endswith(".pkl"):
        path.write_bytes(pickle.dumps(content))
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DataError) as error:
        inspect_path(tmp_path)
    assert error.value.found == kind


def test_3d_arrays_of_h36m_and_empty_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "h36m").mkdir()
    np.savez(tmp_path / "h36m" / "data_3d_h36m.npz", positions_3d=np.array({"S1": WALKS[KEYS[0]]}, object))
    with pytest.raises(DataError, match=r"found H36M 3D \(positions_3d\)"):
        inspect_path(tmp_path / "h36m")
    (tmp_path / "empty").mkdir()
    for n in range(3):
        (tmp_path / "empty" / f"{n}_keypoints.json").write_bytes(b"")
    with pytest.raises(DataError, match="found empty files: 3 of 3"):
        inspect_path(tmp_path / "empty")


@pytest.mark.parametrize("change", [lambda walk: walk * [1, -1, 1], lambda walk: walk / [1920, 1080, 1]])
def test_no_command_is_suggested_that_would_fail(tmp_path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    assert inspect_path(tree(tmp_path / "tree", change)).next_command == ""
    for key, walk in WALKS.items():
        tmp_path.joinpath("raw", *key).mkdir(parents=True)
        tmp_path.joinpath("raw", *key, "walk.npy").write_bytes(b"")
        np.save(tmp_path.joinpath("raw", *key, "walk.npy"), change(walk))
    result = inspect_path(tmp_path / "raw", names="{identity}/{condition}/*/{view}")
    assert result.next_command == ""
    assert "no sequence can be used" in result.description
