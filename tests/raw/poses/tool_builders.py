"""Builders of small datasets in the formats of further tools: tables, YOLO, OpenPifPaf, NTU and others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17, KINECT, MEDIAPIPE, OPENPOSE_18
from tests.raw.poses.dataset_builders import Walks
from tests.raw.poses.estimator_builders import with_passer_by
from tests.skeletons_of import in_skeleton

SIZE = 1024
"""Width and height of the images; a power of two, so that scaling is exact."""


def without_confidence(walk: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return joints with confidence 1."""
    return np.concatenate([walk[..., :2], np.ones_like(walk[..., :1])], axis=-1)


def scaled(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return joints with coordinates from 0 to 1."""
    return np.asarray(joints / [SIZE, SIZE, 1])


def without_face(walk: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return joints of Kinect: no eyes and ears, tracked joints only."""
    joints = without_confidence(walk)
    joints[:, 1:5] = 0
    return joints


def csv_named(root: Path, walks: Walks) -> Path:
    """Write columns Nose_x, Nose_y, Nose_conf, LEye_x, ... with a first column time."""
    names = [name.title().replace("Left ", "L").replace("Right ", "R") for name in COCO_17.joints]
    header = ["time", *(f"{name}_{axis}" for name in names for axis in ("x", "y", "conf"))]
    for key, walk in walks.items():
        _table(_file(root, key, ".csv"), header, [[t / 30, *frame.ravel()] for t, frame in enumerate(walk)])
    return root


def csv_mediapipe(root: Path, walks: Walks) -> Path:
    """Write columns L0_x, L0_y, L0_z, L0_visibility, ..., from 0 to 1."""
    header = ["frame", *(f"L{n}_{axis}" for n in range(33) for axis in ("x", "y", "z", "visibility"))]
    for key, walk in walks.items():
        joints = in_skeleton(MEDIAPIPE, scaled(walk))
        rows = np.concatenate([joints[..., :2], joints[..., :1] - 1, joints[..., 2:]], axis=-1)
        _table(_file(root, key, ".csv"), header, [[t, *row.ravel()] for t, row in enumerate(rows)])
    return root


def csv_mediapipe_cells(root: Path, walks: Walks) -> Path:
    """Write one cell a joint, "[0.70, 0.12]"."""
    for key, walk in walks.items():
        joints = in_skeleton(MEDIAPIPE, scaled(walk))[..., :2].tolist()
        _table(_file(root, key, ".csv"), list(range(33)), [[f'"{xy}"' for xy in frame] for frame in joints])
    return root


def csv_numbered(root: Path, walks: Walks) -> Path:
    """Write columns frame, x_0, y_0, ..., x_16, y_16; frame 2 of the video has no row."""
    header = ["frame", *(f"{axis}_{n}" for n in range(17) for axis in "xy")]
    for key, walk in walks.items():
        rows = [[t if t < 2 else t + 1, *frame[:, :2].ravel()] for t, frame in enumerate(walk)]
        _table(_file(root, key, ".csv"), header, rows)
    return root


def csv_people(root: Path, walks: Walks) -> Path:
    """Write several people in one file, with a column track_id."""
    header = ["frame", "track_id", *(f"{n.replace(' ', '_')}_{axis}" for n in COCO_17.joints for axis in "xyc")]
    for key, walk in walks.items():
        people = [
            [t, track, *joints.ravel()] for t, frame in enumerate(with_passer_by(walk)) for track, joints in frame
        ]
        _table(_file(root, key, ".csv"), header, people)
    return root


def deeplabcut(root: Path, walks: Walks) -> Path:
    """Write the three header rows scorer, bodyparts and coords."""
    parts = [name.replace(" ", "_") for name in COCO_17.joints for _ in range(3)]
    for key, walk in walks.items():
        path = _file(root, key, ".csv")
        heads = [["scorer", *["DLC_resnet50"] * 51], ["bodyparts", *parts], ["coords", *["x", "y", "likelihood"] * 17]]
        rows = [[t, *frame.ravel()] for t, frame in enumerate(walk)]
        path.write_text("".join(",".join(map(_text, row)) + "\n" for row in [*heads, *rows]))
    return root


def yolo_text(root: Path, walks: Walks) -> Path:
    """Write labels of all videos into one folder; an image without people has no file."""
    folder = root / "labels"
    folder.mkdir(parents=True)
    for key, walk in walks.items():
        for t, people in enumerate(with_passer_by(walk)):
            lines = [
                " ".join(map(_text, [0, 0.5, 0.5, 0.1, 0.4, *scaled(joints).ravel(), track]))
                for track, joints in people
            ]
            name = "-".join(key)
            (folder / f"{name}_{t + 1 if t < 2 else t + 2}.txt").write_text("\n".join(lines) + "\n")
    return folder


def ultralytics(root: Path, walks: Walks) -> Path:
    """Write results.to_json() of each image."""
    for key, walk in walks.items():
        for t, people in enumerate(with_passer_by(walk)):
            _json(root.joinpath(*key, f"{t}.json"), [_ultralytics(joints, track) for track, joints in people])
    return root


def yolo_video(root: Path, walks: Walks) -> Path:
    """Write results.to_json() of all images of a video into one file."""
    for key, walk in walks.items():
        frames = [[_ultralytics(joints, track) for track, joints in people] for people in with_passer_by(walk)]
        _json(_file(root, key, ".json"), frames)
    return root


def _ultralytics(joints: NDArray[np.float64], track: int) -> dict[str, object]:
    x, y, visible = joints.T.tolist()
    box = {"x1": min(x), "y1": min(y), "x2": max(x), "y2": max(y)}
    keypoints = {"x": x, "y": y, "visible": visible}
    return {"name": "person", "class": 0, "confidence": 0.9, "box": box, "keypoints": keypoints, "track_id": track}


def yolov7(root: Path, walks: Walks) -> Path:
    """Write rows of batch, class, cx, cy, w, h, confidence and joints."""
    for key, walk in walks.items():
        for t, people in enumerate(with_passer_by(walk)):
            rows = [[0.0, 0.0, 300.0, 300.0, 80.0, 400.0, 0.9, *joints.ravel().tolist()] for _, joints in people]
            _json(root.joinpath(*key, f"{t}.json"), rows)
    return root


def openpifpaf(root: Path, walks: Walks) -> Path:
    """Write NAME.predictions.json for each image; the last image has no people."""
    for key, walk in walks.items():
        for t, people in enumerate([*with_passer_by(walk), []]):
            entries = [
                {"keypoints": joints.ravel().tolist(), "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.9, "category_id": 1}
                for _, joints in people
            ]
            _json(root.joinpath(*key, f"{t:04d}.png.predictions.json"), entries)
    return root


def people_list(root: Path, walks: Walks) -> Path:
    """Write a flat list with image names, frame numbers or image paths, and nested keypoints."""
    keys = ("image_name", "frame_id", "image_path")
    for n, (key, walk) in enumerate(walks.items()):
        entries = [
            {keys[n % 3]: (f"{t}.jpg", t, "/".join([*key, f"{t}.jpg"]))[n % 3], "score": 0.9, "bbox": [0, 0, 1, 1],
             "keypoints": joints.tolist()}
            for t, people in enumerate(with_passer_by(walk)) for _, joints in people
        ]  # fmt: skip
        _json(root / "all.json" if n % 3 == 2 else _file(root, key, ".json"), entries)
    return root


def alphapose_cmu(root: Path, walks: Walks) -> Path:
    """Write the cmu form of AlphaPose."""
    for key, walk in walks.items():
        images = {
            f"{t}.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": _row(joints)} for _, joints in people]}
            for t, people in enumerate(with_passer_by(walk))
        }
        _json(_file(root, key, ".json"), images)
    return root


def alphapose_open(root: Path, walks: Walks) -> Path:
    """Write the open form of AlphaPose."""
    for key, walk in walks.items():
        images = {
            f"{t}.jpg": {"people": [{"pose_keypoints_2d": _row(joints), "idx": track} for track, joints in people]}
            for t, people in enumerate(with_passer_by(walk))
        }
        _json(_file(root, key, ".json"), images)
    return root


def alphapose_object(root: Path, walks: Walks) -> Path:
    """Write the object of one person for each video."""
    for key, walk in walks.items():
        person = {"image_id": "7.jpg", "category_id": 1, "keypoints": walk[0].ravel().tolist(), "score": 2.9}
        _json(_file(root, key, ".json"), person)
    return root


def kinetics(root: Path, walks: Walks) -> Path:
    """Write kinetics-skeleton JSON, from frame 1 and from 0 to 1."""
    for key, walk in walks.items():
        frames = []
        for t, people in enumerate(with_passer_by(walk), start=1):
            joints = [in_skeleton(OPENPOSE_18, scaled(person)[None])[0] for _, person in people]
            skeleton = [{"pose": j[:, :2].ravel().tolist(), "score": j[:, 2].tolist()} for j in joints]
            frames.append({"frame_index": t, "skeleton": skeleton})
        _json(_file(root, key, ".json"), {"data": frames, "label": "walk", "label_index": 0})
    return root


def ntu(root: Path, walks: Walks) -> Path:
    """Write .skeleton files: 3D, depth and color coordinates, orientation and tracking state."""
    for key, walk in walks.items():
        lines = [str(len(walk))]
        for frame in in_skeleton(KINECT, walk):
            lines += ["1", "72057594037944734 0 1 1 1 1 0 0.02 -0.2 2", "25"]
            lines += [f"0.1 0.2 3.5 200.5 210.5 {x!r} {y!r} 0.1 0.2 0.3 0.4 2" for x, y in frame[:, :2].tolist()]
        _file(root, key, ".skeleton").write_text("\n".join(lines) + "\n")
    return root


def arrays(root: Path, walks: Walks) -> Path:
    """Write (T, V, 3) as .npy, and (M, T, V, C) as .npz."""
    for n, (key, walk) in enumerate(walks.items()):
        if n % 2 == 0:
            np.save(_file(root, key, ".npy"), walk)
        else:
            np.savez(_file(root, key, ".npz"), keypoints=np.stack([walk, np.zeros_like(walk)]))
    return root


def stgcn_array(root: Path, walks: Walks) -> Path:
    """Write (N, C, T, V, M) with one walk, and a second person who is absent."""
    (walk,) = walks.values()
    people = np.stack([walk, np.zeros_like(walk)])
    root.mkdir(parents=True)
    np.save(root / "data.npy", people.transpose(3, 1, 2, 0)[None])
    return root


def trc(root: Path, walks: Walks) -> Path:
    """Write markers as Sports2D does, with Z = 0."""
    names = [name.title().replace("Left ", "L").replace("Right ", "R") for name in COCO_17.joints]
    for key, walk in walks.items():
        path = _file(root, key, ".trc")
        head = [
            f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
            "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
            f"30\t30\t{len(walk)}\t17\tpx\t30\t0\t{len(walk)}",
            "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
            "\t\t" + "\t".join(f"{axis}{n}" for n in range(1, 18) for axis in "XYZ"),
        ]
        rows = [
            "\t".join(map(_text, [t, t / 30, *(value for x, y in frame[:, :2].tolist() for value in (x, y, 0.0))]))
            for t, frame in enumerate(walk)
        ]
        path.write_text("\n".join([*head, *rows]) + "\n")
    return root


def _row(joints: NDArray[np.float64]) -> list[float]:
    """Return the joints of a person in the order of OpenPose-18."""
    return [float(value) for value in in_skeleton(OPENPOSE_18, joints[None]).ravel()]


def _file(root: Path, key: Sequence[str], suffix: str) -> Path:
    path = root.joinpath(*key[:-1], key[-1] + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def _table(path: Path, header: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    path.write_text("".join(",".join(map(_text, row)) + "\n" for row in [header, *rows]))


def _text(value: object) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)
