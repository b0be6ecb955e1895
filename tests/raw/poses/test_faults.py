"""Faults of real pose files: joints, values and files, through the commands."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.skeletons import BODY_25B, COCO_17, H36M, KINECT, POSETRACK18
from skelgait.storage import Key, PickleTreeWriter, open_source
from tests.commands import cli_runner
from tests.raw.poses.dataset_builders import PERSON, make_walks, person, upright
from tests.skeletons_of import in_skeleton

KEY = Key("anna", "nm", "000")
WALK = make_walks(KEY, frames=9)[KEY]
NEUTRAL = np.concatenate([PERSON, np.full((17, 1), 0.9)], axis=1)


def call(*args: object) -> tuple[int, str]:
    result = cli_runner().invoke(app, [*map(str, args), "--workers", "1"])
    return result.exit_code, result.stdout + result.stderr


def poses_of(source: Path, *flags: object) -> tuple[np.ndarray, list[str] | None, dict[str, Any]]:
    """Run `skelgait poses`; return the joints and frame names of the only sequence, and the report."""
    result = cli_runner().invoke(
        app, ["poses", str(source), "--workers", "1", "--json", "--overwrite", *map(str, flags)]
    )
    assert result.exit_code == 0, result.output
    poses = open_source(Path("poses"), "pose")
    (key,) = poses.keys
    return np.asarray(poses.read(key)[0]), poses.frame_names(key), json.loads(result.stdout)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def openpose(folder: Path, frames: list[list[np.ndarray]]) -> Path:
    folder.mkdir(parents=True)
    for t, people in enumerate(frames):
        entries = [{"person_id": [-1], "pose_keypoints_2d": joints.ravel().tolist()} for joints in people]
        (folder / f"f_{t:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": entries}))
    return folder


def write(name: str, content: object) -> Path:
    path = Path("raw", name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(content)) if name.endswith(".pkl") else path.write_text(json.dumps(content))
    return path


def annotated(category: dict[str, Any], *rows: object, **image: object) -> dict[str, object]:
    return {
        "images": [{"id": n, "file_name": f"{n:06d}.jpg", **image} for n in range(len(rows))],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "keypoints": row} for n, row in enumerate(rows)],
        "categories": [{"id": 1, **category}],
    }


def test_body_25b_is_told_from_body_25_by_posture() -> None:
    frame = in_skeleton(BODY_25B, NEUTRAL[None])[0]
    joints, _, _ = poses_of(openpose(Path("raw/walker"), [[frame]] * 3))
    assert joints[0, [1, 2, 6, 15, 16], :2].tolist() == [[103, 37], [97, 37], [85, 70], [110, 210], [90, 210]]


def test_names_of_a_coco_category_decide() -> None:
    names = [name.replace(" ", "_").replace("neck", "head_bottom") for name in POSETRACK18.joints]
    row = in_skeleton(POSETRACK18, NEUTRAL[None])[0]
    row[:, 2] = 1
    joints, _, _ = poses_of(write("a.json", annotated({"name": "person", "keypoints": names}, row.ravel().tolist())))
    assert joints[0, 0].tolist() == [100, 40, 1]
    assert not joints[0, 1:3].any()
    np.testing.assert_array_equal(joints[0, 5:, :2], PERSON[5:])


@pytest.mark.parametrize("names", [COCO_17.joints, ["L_Eye", "R_Eye", "Nose", "Neck", "Root of tail", *"abcdefghijkl"]])
def test_categories_that_are_no_person_are_refused(names: list[str]) -> None:
    path = write("a.json", annotated({"name": "dog", "keypoints": names}, person(third=2)))
    code, output = call("poses", path)
    assert code == 1
    assert "found keypoints of dog, which is no person, expected keypoints of people" in output


def test_joints_as_rows_are_read() -> None:
    joints, _, _ = poses_of(write("a.json", annotated({"name": "person"}, [[x, y, 2] for x, y in PERSON.tolist()])))
    assert joints[0, 0].tolist() == [100, 40, 1]


def test_3d_joints_are_refused() -> None:
    metres = np.stack([in_skeleton(KINECT, WALK)] * 1) * [0.005, -0.005, 0] + [0, 0, 3.5]
    annotations = [{"frame_dir": "walk", "total_frames": 9, "keypoint": metres}]
    for path in (write("ntu.pkl", annotations), write("walk.pkl", metres[0]), write("lists.pkl", metres[0].tolist())):
        code, output = call("poses", path)
        assert code == 1
        assert "found 3D joints" in output
    PickleTreeWriter(Path("tree")).write(KEY, metres[0, :, :17])
    code, output = call("heatmap", "--poses", "tree")
    assert code == 1
    assert "found 3D joints" in output


def test_root_relative_3d_joints_without_depth_are_refused() -> None:
    relative = (WALK[..., :2] - WALK[:, [11, 12], :2].mean(axis=1, keepdims=True)) / 400
    code, output = call("poses", write("walk.pkl", relative))
    assert code == 1
    assert "found 3D joints" in output


def test_annotations_without_keypoints_are_named() -> None:
    path = write("sample.pkl", {"split": {"train": ["a"]}, "annotations": [{"frame_dir": "a", "label": 1}]})
    for command in ("poses", "inspect"):
        result = cli_runner().invoke(app, [command, str(path)])
        assert result.exit_code == 1
        assert "annotations without keypoints" in result.stdout + result.stderr


def test_person_without_joints_is_dropped() -> None:
    frame = in_skeleton(BODY_25B, NEUTRAL[None])[0]
    source = openpose(Path("raw/walker"), [[frame], [np.zeros((25, 3)), frame], [frame, np.zeros(0)]])
    joints, _, report = poses_of(source)
    assert (len(joints), report["without_joints"], report["several_people"]) == (3, 2, 0)


@pytest.mark.parametrize("damage", ["", "{", '{"a": 1}'])
@pytest.mark.parametrize("frame", [0, 2])
def test_empty_or_damaged_file_is_named_and_the_others_are_read(frame: int, damage: str) -> None:
    source = openpose(Path("raw/walk"), [[joints] for joints in in_skeleton(BODY_25B, WALK[:5])])
    (source / f"f_{frame:012d}_keypoints.json").write_text(damage)
    joints, names, report = poses_of(source)
    assert names == [f"f_{t:012d}" for t in range(5) if t != frame]
    assert (len(joints), report["unreadable_files"], report["no_person"]) == (4, 1, 1)
    assert f"f_{frame:012d}_keypoints.json: found " in report["faults"][0]


def test_coordinates_from_0_to_1_are_scaled_or_refused() -> None:
    size = np.array([1920, 1080, 1])
    for name, scale, offset in (("scale3", size, 0), ("scale4", size / [2, 2, 1], [-1, -1, 0])):
        frames = in_skeleton(BODY_25B, WALK) / scale + offset
        source = openpose(Path(name, "anna"), [[joints] for joints in frames])
        code, output = call("poses", source, "--poses", f"refused-{name}")
        assert code == 1
        assert "not pixels, expected pixels; pass the size of the images, such as --image-size 1920x1080" in output
        assert not list(Path(f"refused-{name}").rglob("*.pkl"))
        joints, _, _ = poses_of(source, "--image-size", "1920x1080")
        np.testing.assert_allclose(joints, WALK, rtol=1e-12)
    PickleTreeWriter(Path("tree")).write(KEY, WALK / size)
    code, output = call("heatmap", "--poses", "tree")
    assert code == 1
    assert "found coordinates from 0 to 1" in output


def test_image_size_of_the_file_scales() -> None:
    rows = [(frame / [1000, 500, 1]).ravel().tolist() for frame in WALK]
    joints, _, _ = poses_of(write("a.json", annotated({"name": "person"}, *rows, width=1000, height=500)))
    np.testing.assert_allclose(joints, WALK, rtol=1e-12)


def test_confidences_above_1_are_clipped_and_counted() -> None:
    walk = WALK.copy()
    walk[:, :3, 2] = 1.08
    joints, _, report = poses_of(write("walk.pkl", walk))
    assert report["clipped"] == 27
    np.testing.assert_array_equal(joints[:, :3, 2], 1)
    np.testing.assert_array_equal(joints[:, 3:], walk[:, 3:])


@pytest.mark.parametrize("command", ["poses", "heatmap"])
def test_impossible_posture_is_refused_unless_forced(command: str) -> None:
    upwards = WALK * [1, -1, 1] + [0, 1000, 0]
    PickleTreeWriter(Path("raw")).write(KEY, upwards)
    source = ["raw"] if command == "poses" else ["--poses", "raw"]
    code, output = call(command, *source)
    assert code == 1
    assert "found an impossible posture (bodies are upside down: y points upwards" in output
    code, output = call(command, *source, "--force")
    assert code == 0, output


@pytest.mark.parametrize("command", ["poses", "heatmap"])
def test_h36m_order_is_converted(command: str) -> None:
    PickleTreeWriter(Path("raw")).write(KEY, in_skeleton(H36M, WALK))
    if command == "poses":
        joints, _, _ = poses_of(Path("raw"))
        np.testing.assert_array_equal(joints[:, 5:], WALK[:, 5:])
        np.testing.assert_array_equal(joints[:, 0], WALK[:, 0])
        assert not joints[:, 1:5].any()
    else:
        PickleTreeWriter(Path("converted")).write(KEY, H36M.to_coco17(in_skeleton(H36M, WALK)))
        maps = []
        for tree in ("raw", "converted"):
            assert call("heatmap", "--poses", tree, "--maps", f"maps-{tree}", "--fill", "visible")[0] == 0
            maps.append(open_source(Path(f"maps-{tree}"), "map").read(KEY)[0])
        np.testing.assert_array_equal(*maps)


def test_open_choice_asks_for_the_skeleton() -> None:
    head = np.zeros((9, 17, 3))
    head[:, :3] = [[100, 40, 1], [103, 37, 1], [97, 35, 1]]
    path = write("walk.json", [{"frame_id": t, "instances": [{"keypoints": h.tolist()}]} for t, h in enumerate(head)])
    code, output = call("poses", path)
    assert code == 1
    assert "found 17 joints whose posture fits COCO-17" in output
    assert "expected one possible skeleton; pass --skeleton COCO-17" in output
    assert call("poses", path, "--skeleton", "COCO-17")[0] == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--skeleton", "COCO-18"), "--skeleton: found COCO-18, expected one of COCO-17, H36M"),
        (("--skeleton", "BODY_25"), "--skeleton: found BODY_25 with 25 joints, expected 17 joints"),
        (("--image-size", "wide"), "image_size"),
        (("--skeleton", "none.yaml"), "none.yaml: found No such file"),
    ],
)
def test_wrong_option_is_refused(flags: tuple[str, ...], message: str) -> None:
    code, output = call("poses", write("walk.pkl", WALK), *flags)
    assert code == 1
    assert message in output


def test_images_absent_from_alphapose_are_frames_without_people() -> None:
    entries = [{"image_id": f"{t}.jpg", "keypoints": person(t), "score": 1} for t in (3, 4, 8)]
    joints, names, report = poses_of(write("walk.json", entries))
    assert (len(joints), names, report["no_person"]) == (3, ["3", "4", "8"], 3)


def test_yolo_labels_of_one_video_take_its_name() -> None:
    folder = Path("raw/predict/labels")
    folder.mkdir(parents=True)
    for t, frame in enumerate(WALK[:3]):
        cells = [0, 0.5, 0.5, 0.2, 0.8, *(frame / [1000, 1000, 1]).ravel().tolist()]
        (folder / f"anna_{t + 1}.txt").write_text(" ".join(map(repr, cells)) + "\n")
    for source in ("raw/predict", "raw/predict/labels"):
        poses_of(Path(source), "--image-size", "1000x1000")
        assert list(open_source(Path("poses"), "pose").keys) == [Key("anna", "00", "00")]


def test_skeleton_file_names_the_columns_of_a_table() -> None:
    walk = upright(np.random.default_rng(5), 6)
    Path("raw").mkdir()
    header = ["Bild", *(f"{axis} {name}" for name in COCO_17.joints for axis in ("quer", "hoch"))]
    rows = [[t, *frame[:, :2].ravel().tolist()] for t, frame in enumerate(walk)]
    text = "\n".join(";".join(map(str, row)) for row in [header, *rows])
    Path("raw/anna.csv").write_text(text)
    code, output = call("poses", "raw")
    assert code == 1
    joints = "\n".join(f"  {name}: [quer {name}, hoch {name}]" for name in COCO_17.joints)
    Path("columns.yaml").write_text(f"frame: Bild\njoints:\n{joints}\n")
    poses, names, _ = poses_of(Path("raw"), "--skeleton", "columns.yaml")
    np.testing.assert_array_equal(poses[..., :2], walk[..., :2])
    assert names == [str(t) for t in range(6)]
    Path("columns.yaml").write_text("frame: Nummer\njoints:\n" + joints)
    code, output = call("poses", "raw", "--skeleton", "columns.yaml", "--overwrite")
    assert code == 1
    assert "found no column 'Nummer'" in output


def test_skeleton_file_names_the_joints_of_an_array() -> None:
    order = [*range(5, 17), *range(5)]
    Path("joints.yaml").write_text("joints: [" + ", ".join(COCO_17.joints[n] for n in order) + "]")
    joints, _, _ = poses_of(write("walk.pkl", WALK[:, order]), "--skeleton", "joints.yaml")
    np.testing.assert_array_equal(joints, WALK)
