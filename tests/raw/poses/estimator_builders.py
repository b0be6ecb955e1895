"""Builders of small datasets that imitate the output of pose estimators."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.file_tree import sample_files
from skelgait.raw.poses import LAYOUTS, open_raw
from skelgait.raw.poses.registry import get_layout
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key

Walks = Mapping[Key, NDArray[np.float64]]
"""Keypoints of each sequence, (T, 17, 3)."""

PASSER_BY = 7
"""Track id of a person who is in some frames only."""
WALKER = 3


def matching_layouts(root: Path) -> list[str]:
    """Return the names of all layouts that match the files at `root`."""
    return [name for name in LAYOUTS if get_layout(name).matches(sample_files(root))]


def read_all(root: Path, layout: str) -> dict[Key, RawSequence]:
    """Read every sequence that a layout finds at `root`."""
    raw = open_raw(root, layout)
    return {key: raw.read(key) for key in raw.keys}


def assert_holds(sequence: RawSequence, frames: Iterable[list[tuple[int, NDArray[Any]]]], tracked: bool = True) -> None:
    """Check the people and tracks in the frames of a sequence."""
    expected = list(frames)
    assert [len(people) for people in sequence.people] == [len(people) for people in expected]
    for people, expected_people in zip(sequence.people, expected, strict=True):
        for joints, (_, expected_joints) in zip(people, expected_people, strict=True):
            np.testing.assert_array_equal(joints, expected_joints)
    assert sequence.tracks == ([[track for track, _ in people] for people in expected] if tracked else None)


def with_passer_by(walk: NDArray[np.float64]) -> Iterator[list[tuple[int, NDArray[np.float64]]]]:
    """Yield track id and joints of the people in each frame; in every third one another person comes first."""
    for t, frame in enumerate(walk):
        others = [(PASSER_BY, frame + np.array([500, 0, 0]))] if t % 3 == 1 else []
        yield [*others, (WALKER, frame)]


def alphapose(root: Path, walks: Walks) -> Path:
    """Write one file per video, with the default name or the video name; image 2 has no people and no entry."""
    for n, (key, walk) in enumerate(walks.items()):
        results = [
            _alphapose_entry(f"{t if t < 2 else t + 1}.jpg", track, joints)
            for t, people in enumerate(with_passer_by(walk))
            for track, joints in people
        ]
        folder = root.joinpath(*key)
        _json(folder / "alphapose-results.json" if n % 2 == 0 else folder.with_suffix(".json"), results)
    return root


def alphapose_images(root: Path, walks: Walks) -> Path:
    """Write one file for a dataset of images, sorted as text: 10 comes before 9."""
    entries = [
        _alphapose_entry("/".join([*key, f"{t + 8}.png"]), [track], joints)
        for key, walk in walks.items()
        for t, people in enumerate(with_passer_by(walk))
        for track, joints in people
    ]
    return _json(root / "dataset.json", sorted(entries, key=lambda entry: str(entry["image_id"])))


def _alphapose_entry(image: str, track: object, joints: NDArray[np.float64]) -> dict[str, object]:
    return {
        "image_id": image,
        "category_id": 1,
        "keypoints": joints.ravel().tolist(),
        "score": 2.9,
        "box": [1.5, 2.5, 80.0, 200.0],
        "idx": track,
    }


def mmpose(root: Path, walks: Walks) -> Path:
    """Write predictions of the inferencer, or, in a separate folder and from frame 1, of the demo, for each video."""
    for n, (key, walk) in enumerate(walks.items()):
        frames = [
            {"frame_id": t + n % 2, "instances": [_instance(joints, track) for track, joints in people]}
            for t, people in enumerate(with_passer_by(walk))
        ]
        folder = root.joinpath(*key)
        if n % 2 == 0:
            _json(folder.with_suffix(".json"), frames)
        else:
            meta = {"dataset_name": "coco", "num_keypoints": 17, "keypoint_id2name": {"0": "nose"}}
            _json(folder / "results_walk.json", {"meta_info": meta, "instance_info": frames})
    return root


def mmpose_images(root: Path, walks: Walks) -> Path:
    """Write one file per image; the first and the last image have no people."""
    for key, walk in walks.items():
        folder = root.joinpath(*key)
        _json(folder / "8.json", [])
        for t, people in enumerate(with_passer_by(walk)):
            _json(folder / f"{9 + t}.json", [_instance(joints) for _, joints in people])
        _json(folder / f"{9 + len(walk)}.json", [])
    return root


def _instance(joints: NDArray[np.float64], track: int | None = None) -> dict[str, object]:
    instance: dict[str, object] = {
        "keypoints": joints[:, :2].tolist(),
        "keypoint_scores": joints[:, 2].tolist(),
        "bbox": [[1.5, 2.5, 80.0, 200.0]],
        "bbox_score": 0.9,
    }
    return instance if track is None else instance | {"track_id": track}


def coco(root: Path, walks: Walks) -> Path:
    """Write annotations with one folder of images per sequence, unordered; the first image has no people."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for key, walk in walks.items():
        for t, people in enumerate([[], *with_passer_by(walk)]):
            images.append({"id": len(images) + 100, "file_name": "/".join([*key, f"{t + 8}.jpg"]), "height": 720})
            for track, joints in people:
                annotations.append(_coco_entry(images[-1]["id"], _with_flags(joints), track))
        empty = _coco_entry(images[-1]["id"], np.zeros((17, 3)), PASSER_BY) | {"num_keypoints": 0, "iscrowd": 1}
        annotations.append(empty)
    content = {
        "info": {"description": "walks"},
        "images": images[::-1],
        "annotations": annotations[::-1],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose"]}],
    }
    return _json(root / "person_keypoints.json", content)


def flagged(walk: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return joints as read from COCO annotations: below 0.4 they are missing, else they have confidence 1."""
    is_present = walk[..., 2:] >= 0.4
    return np.concatenate([np.where(is_present, walk[..., :2], 0), is_present], axis=-1)


def _with_flags(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    flags = np.select([joints[:, 2] < 0.4, joints[:, 2] < 0.7], [0, 1], 2)
    return np.concatenate([joints[:, :2], flags[:, None]], axis=1)


def coco_results(root: Path, walks: Walks) -> Path:
    """Write one list of results per video, with numbered images."""
    for key, walk in walks.items():
        results = [_coco_entry(t + 8, joints) for t, people in enumerate(with_passer_by(walk)) for _, joints in people]
        _json(root.joinpath(*key).with_suffix(".json"), results)
    return root


def _coco_entry(image: int, joints: NDArray[np.float64], track: int | None = None) -> dict[str, object]:
    entry = {"image_id": image, "category_id": 1, "keypoints": joints.ravel().tolist(), "score": 0.9}
    return entry if track is None else entry | {"track_id": track, "num_keypoints": int((joints[:, 2] > 0).sum())}


def pyskl(root: Path, walks: Walks) -> Path:
    """Write one pickle of the dataset, in half precision; the walker is the second person."""
    annotations = []
    for key, walk in walks.items():
        both = np.zeros((2, *walk.shape))
        both[1] = walk
        both[0, 1::3] = walk[1::3] + np.array([500, 0, 0])
        annotations.append(
            {
                "frame_dir": "/".join(key),
                "total_frames": len(walk),
                "img_shape": (720, 1280),
                "label": 0,
                "keypoint": both[..., :2].astype(np.float16),
                "keypoint_score": both[..., 2].astype(np.float16),
            }
        )
    names = [annotation["frame_dir"] for annotation in annotations]
    return _pickle(root / "walks.pkl", {"split": {"train": names[:1], "val": names[1:]}, "annotations": annotations})


def halved(walk: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return joints rounded to half precision."""
    return walk.astype(np.float16).astype(np.float32)


def casia_b_csv(root: Path, walks: Walks) -> Path:
    """Write a table with header, frame numbers without zeros, quoted fields, and one sequence in two parts."""
    rows = [
        [f"../CASIA-B/frames/{'-'.join(key)}/{t + 8}.jpg", *map(repr, walk[t].ravel().tolist())]
        for key, walk in walks.items()
        for t in reversed(range(len(walk)))
    ]
    rows.append(rows.pop(1))
    rows[2] = [f'"{field}"' for field in rows[2]]
    header = ["image_name", *(f"{axis}_{n}" for n in range(17) for axis in ("x", "y", "score"))]
    root.mkdir(parents=True, exist_ok=True)
    path = root / "casia-b_pose_coco.csv"
    path.write_text("".join(",".join(row) + "\r\n" for row in [header, *rows]), newline="")
    return path


def _json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def _pickle(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return path
