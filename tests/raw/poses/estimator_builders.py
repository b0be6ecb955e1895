"""Small trees and files of poses as pose estimators and their tools write them, quirks included."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.file_tree import sample_files
from skelgait.raw.poses.layout import RawSequence
from skelgait.raw.poses.registry import LAYOUTS, open_raw
from skelgait.storage import Key

Walks = Mapping[Key, NDArray[np.float64]]
"""(T, 17, 3) keypoints of each sequence."""

PASSER_BY = 7
"""The track of somebody who is in some frames only; the walker's is 3."""
WALKER = 3


def fitting(root: Path) -> list[str]:
    """The names of all layouts that take what is at `root` for theirs."""
    return [layout.name for layout in LAYOUTS.values() if layout.matches(sample_files(root))]


def read_all(root: Path, layout: str) -> dict[Key, RawSequence]:
    """Every sequence that a layout finds at `root`."""
    raw = open_raw(root, layout)
    return {key: raw.read(key) for key in raw.keys}


def assert_holds(sequence: RawSequence, frames: Iterable[list[tuple[int, NDArray[Any]]]], tracked: bool = True) -> None:
    """That a sequence has these people, with their tracks, in its frames."""
    expected = list(frames)
    assert [len(people) for people in sequence.people] == [len(people) for people in expected]
    for found, people in zip(sequence.people, expected, strict=True):
        for joints, (_, wanted) in zip(found, people, strict=True):
            np.testing.assert_array_equal(joints, wanted)
    assert sequence.tracks == ([[track for track, _ in people] for people in expected] if tracked else None)


def with_passer_by(walk: NDArray[np.float64]) -> Iterator[list[tuple[int, NDArray[np.float64]]]]:
    """The people of each frame, with their tracks: in every third one somebody else stands first."""
    for t, frame in enumerate(walk):
        others = [(PASSER_BY, frame + np.array([500, 0, 0]))] if t % 3 == 1 else []
        yield [*others, (WALKER, frame)]


def alphapose(root: Path, walks: Walks) -> Path:
    """A file a video, by AlphaPose's own name or by the video's; image 2 has nobody in it, and is not mentioned."""
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
    """A file for a dataset of images, which it lists as text is sorted: 10 comes before 9."""
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
    """Of each video the inferencer's predictions, or those of the demo in a folder of their own, from frame 1 on."""
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
    """A file an image; the first image and the last have nobody in them."""
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
    """Annotations of a dataset with a folder a sequence; images are in no order, and the first has nobody in it."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for key, walk in walks.items():
        for t, people in enumerate([[], *with_passer_by(walk)]):
            images.append({"id": len(images) + 100, "file_name": "/".join([*key, f"{t + 8}.jpg"]), "height": 720})
            for track, joints in people:
                annotations.append(_coco_entry(images[-1]["id"], _with_flags(joints), track))
        nobody = _coco_entry(images[-1]["id"], np.zeros((17, 3)), PASSER_BY) | {"num_keypoints": 0, "iscrowd": 1}
        annotations.append(nobody)
    content = {
        "info": {"description": "walks"},
        "images": images[::-1],
        "annotations": annotations[::-1],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose"]}],
    }
    return _json(root / "person_keypoints.json", content)


def flagged(walk: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of joints in COCO's annotations: those with less than 0.4 are not there, the others are certain."""
    is_there = walk[..., 2:] >= 0.4
    return np.concatenate([np.where(is_there, walk[..., :2], 0), is_there], axis=-1)


def _with_flags(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    flags = np.select([joints[:, 2] < 0.4, joints[:, 2] < 0.7], [0, 1], 2)
    return np.concatenate([joints[:, :2], flags[:, None]], axis=1)


def coco_results(root: Path, walks: Walks) -> Path:
    """A list of results a video, of images with numbers."""
    for key, walk in walks.items():
        results = [_coco_entry(t + 8, joints) for t, people in enumerate(with_passer_by(walk)) for _, joints in people]
        _json(root.joinpath(*key).with_suffix(".json"), results)
    return root


def _coco_entry(image: int, joints: NDArray[np.float64], track: int | None = None) -> dict[str, object]:
    entry = {"image_id": image, "category_id": 1, "keypoints": joints.ravel().tolist(), "score": 0.9}
    return entry if track is None else entry | {"track_id": track, "num_keypoints": int((joints[:, 2] > 0).sum())}


def pyskl(root: Path, walks: Walks) -> Path:
    """A pickle of the dataset, in half precision; the walker is the second person."""
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
    """What half precision leaves of joints."""
    return walk.astype(np.float16).astype(np.float32)


def casia_b_csv(root: Path, walks: Walks) -> Path:
    """A table with a header; frames are not padded, some fields are in quotes, one sequence is in two parts."""
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
