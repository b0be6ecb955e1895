"""Builders of small pose trees that imitate the datasets."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17, OPENPOSE_18
from skelgait.storage import Key

Walks = Mapping[Key, NDArray[np.float64]]
"""Keypoints of each sequence, (T, 17, 3)."""


# Neutral person: the left side has the larger x.
PERSON = np.array(
    [(100, 40), (103, 37), (97, 37), (106, 40), (94, 40), (115, 70), (85, 70), (120, 100), (80, 100), (122, 130),
     (78, 130), (110, 130), (90, 130), (110, 170), (90, 170), (110, 210), (90, 210)], float
)  # fmt: skip


def person(x: float = 0, third: float = 0.5) -> list[float]:
    """Return the neutral person, moved by x, as a row of 51 numbers."""
    return [value for px, py in PERSON for value in (px + x, py, third)]


def make_walks(*keys: Key, frames: int = 4) -> dict[Key, NDArray[np.float64]]:
    """Return keypoints of upright random bodies, rounded so that text files keep them exactly."""
    return {key: upright(np.random.default_rng(n), frames + n % 3) for n, key in enumerate(keys)}


def upright(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Return keypoints (T, 17, 3) of a rough body that walks to the right."""
    y = 400 * np.array([0.05, *np.repeat([0.03, 0.05, 0.2, 0.35, 0.5, 0.52, 0.75, 1], 2)])
    xy = np.stack([rng.uniform(-20, 20, (frames, 17)), y + rng.uniform(-3, 3, (frames, 17))], axis=2)
    xy += np.array([300, 200]) + 4 * np.arange(frames)[:, None, None] * np.array([1, 0])
    return np.concatenate([xy, rng.uniform(0.3, 1, (frames, 17, 1))], axis=2).round(4)


def coco18(keypoints_xyc: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert COCO-17 to OpenPose-18, with the neck at the midpoint of the shoulders."""
    neck = keypoints_xyc[:, [5, 6]].mean(axis=1)
    by_name = {name: keypoints_xyc[:, n] for n, name in enumerate(COCO_17.joints)} | {"neck": neck}
    return np.stack([by_name[name] for name in OPENPOSE_18.joints], axis=1)


def _text(path: Path, joints: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(",".join(map(repr, [1080.0, 1920.0, *joints.ravel().tolist()])) + "\n")


def gait3d(root: Path, walks: Walks) -> Path:
    """Write one text file per frame; frame numbers have no leading zeros and four or five digits."""
    for key, joints in walks.items():
        for t, frame in enumerate(joints):
            _text(root.joinpath("2D_Poses", *key, f"human_crop_f{9998 + t}.txt"), frame)
    return root


def grew(root: Path, walks: Walks) -> Path:
    """Write train, gallery and probe, with 3D poses, images and gait energy images as by-products."""
    gallery: dict[str, int] = {}
    for (identity, condition, view), joints in walks.items():
        if identity == "probe":
            folder = root / "test" / "probe" / view
        elif condition == "00":
            folder = root / "train" / identity.removesuffix("train") / view
        else:
            gallery[identity] = gallery.get(identity, 0) + 1
            folder = root / "test" / "gallery" / identity / view
        for t, frame in enumerate(joints, start=1):
            _text(folder / f"{t:05d}_2d_pose.txt", frame)
            (folder / f"{t:05d}_3d_pose.txt").write_text("1,2,3\n")
            (folder / f"{t:05d}.png").write_bytes(b"png")
        (folder.parent / f"{folder.name}_gei.png").write_bytes(b"png")
    return root


def grew_rows(root: Path, walks: Walks) -> Path:
    """Write pickles of rows (T, 53) with two leading values."""
    for key, joints in walks.items():
        rows = np.concatenate([np.full((len(joints), 2), 64.0), joints.reshape(len(joints), -1)], axis=1)
        _pickle(root.joinpath(*key, f"{key.view}.pkl"), rows)
    return root


def oumvlp(root: Path, walks: Walks) -> Path:
    """Write one JSON file per frame, 18 joints; another person comes first in some frames, others are empty."""
    for (identity, condition, view), joints in walks.items():
        folder = root / identity / f"{view}_{condition}"
        folder.mkdir(parents=True)
        for t, frame in enumerate(coco18(joints), start=1):
            others = [frame + np.array([500, 0, 0])] if t % 3 == 2 else []
            _people(folder / f"{t:04d}_keypoints.json", [*others, frame])
        _people(folder / f"{len(joints) + 1:04d}_keypoints.json", [])
    return root


def openpose(root: Path, walks: Walks) -> Path:
    """Write OpenPose output: OpenPose-18, frames numbered from 0 with twelve digits."""
    for key, joints in walks.items():
        root.joinpath(*key).mkdir(parents=True)
        for t, frame in enumerate(coco18(joints)):
            _people(root.joinpath(*key, f"walk_{t:012d}_keypoints.json"), [frame])
    return root


def _people(path: Path, people: list[NDArray[np.float64]]) -> None:
    entries = [{"person_id": [-1], "pose_keypoints_2d": person.ravel().tolist()} for person in people]
    path.write_text(json.dumps({"version": 1.3, "people": entries}))


def sustech1k(root: Path, walks: Walks) -> Path:
    """Write several pickles per sequence, two of them with poses, at full and reduced frame rate."""
    for n, (key, joints) in enumerate(walks.items()):
        folder = root.joinpath(*key)
        as_objects = np.empty(len(joints), object)
        as_objects[:] = [frame.tolist() for frame in joints]
        _pickle(folder / f"03-{key.view}-Camera-Pose.pkl", as_objects if n % 2 else joints)
        _pickle(folder / f"11-sync-{key.view}-Camera-Pose.pkl", joints[::3])
        _pickle(folder / f"06-{key.view}-Camera-Sils_aligned.pkl", np.zeros((len(joints), 64, 64), np.uint8))
        _pickle(folder / f"00-{key.view}-LiDAR-PCDs.pkl", np.zeros((len(joints), 100, 3), np.float32))
    return root


def ccpg(root: Path, walks: Walks) -> Path:
    """Write pickles of 17 joints and of silhouettes."""
    for key, joints in walks.items():
        _pickle(root.joinpath(*key, f"{key.view}-poses.pkl"), joints.astype(np.float32))
        _pickle(root.joinpath(*key, f"{key.view}-aligned-sils.pkl"), np.zeros((len(joints), 64, 64), np.uint8))
    return root


def casia_b_pose(root: Path, walks: Walks) -> Path:
    """Write one pickle per sequence, and mapping.txt with the video frame of each pose."""
    for key, joints in walks.items():
        _pickle(root.joinpath(*key, f"{key.view}.pkl"), joints)
        lines = [f"{t} {'-'.join(key)}-{7 + 2 * t:03d}.jpg\n" for t in range(len(joints))]
        root.joinpath(*key, "mapping.txt").write_text("".join(lines))
    return root


def _pickle(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))
