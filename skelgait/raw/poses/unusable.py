"""Kinds of files that are no 2D poses of people, for messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skelgait.errors import DataError
from skelgait.raw.poses.json_files import peek_json
from skelgait.raw.poses.pickles import why_no_poses
from skelgait.raw.poses.pyskl import PYSKL
from skelgait.raw.poses.sequence_files import is_empty, read_head

_SAMPLED_FILES = 5
_SUFFIXES = {
    ".bvh": "3D motion capture (.bvh)", ".c3d": "3D motion capture (.c3d)", ".fbx": "3D motion capture (.fbx)",
    ".mp4": "videos, no poses", ".avi": "videos, no poses", ".mov": "videos, no poses", ".mkv": "videos, no poses",
}  # fmt: skip


def describe_unusable(sample: Sequence[Path]) -> str:
    """Describe files in which no layout of poses is recognized, by their kind if it is known."""
    if not sample:
        return "no file"
    empty = [path for path in sample if is_empty(path)]
    kinds = dict.fromkeys(filter(None, map(_kind, [p for p in sample if p not in set(empty)][:_SAMPLED_FILES])))
    if len(empty) == len(sample) or (len(empty) > len(sample) / 2 and not kinds):
        return f"empty files: {len(empty)} of {len(sample)}"
    if kinds:
        note = f"; empty files: {len(empty)} of {len(sample)}" if empty else ""
        return " and ".join(kinds) + note
    suffixes = Counter(path.suffix or "no suffix" for path in sample)
    counts = ", ".join(f"{n} {suffix}" for suffix, n in suffixes.most_common(4))
    pickles = (path for path in sample if path.suffix == ".pkl")
    example = next((f"{path.name} contains {why_no_poses(path)}" for path in pickles), f"for example {sample[0].name}")
    return f"files without poses (among the first files: {counts}; {example})"


def _kind(path: Path) -> str:
    """Return the kind of a file; empty if it is unknown."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix == ".mat" and b"MATLAB" in read_head(path)[:128]:
        return "MPII annotations (.mat)" if "mpii" in path.name.lower() else "a MATLAB file (.mat)"
    if suffix in (".npz", ".npy") and b"positions_3d" in read_head(path):
        return "H36M 3D (positions_3d)"
    try:
        if suffix == ".json":
            return _json_kind(peek_json(path))
        if suffix == ".pkl":
            PYSKL.find(path, None)
    except DataError as error:
        return error.found if "without keypoints" in error.found or "invalid JSON" in error.found else ""
    return ""


def _json_kind(content: Any) -> str:
    if isinstance(content, dict):
        people = content.get("annotations", content.get("instance_info", [content]))
        if isinstance(content.get("shapes"), list):
            return "labelme annotations"
    else:
        people = content
    if not isinstance(people, list):
        return ""
    keys = {key for person in people if isinstance(person, dict) for key in person}
    if {"joints", "joints_vis"} <= keys or "annorect" in keys or "joint_self" in keys:
        return "MPII annotations"
    if "keypoint_annotations" in keys:
        return "AI Challenger annotations"
    if keys & {"bbox", "box", "boxes", "xyxy"} and "keypoints" not in keys:
        return "boxes without keypoints"
    if keys & {"joints_3d", "keypoints_3d", "pose_keypoints_3d", "joints3d", "positions_3d", "smpl", "joint_cam"}:
        return "3D joints"
    return ""
