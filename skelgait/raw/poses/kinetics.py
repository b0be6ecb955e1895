"""kinetics-skeleton of ST-GCN: one JSON file per video, OpenPose-18 with coordinates from 0 to 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from skelgait.errors import DataError, ShapeError
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.file_layout import FileLayout
from skelgait.raw.poses.image_people import with_absent
from skelgait.raw.poses.joints import to_numbers
from skelgait.raw.poses.json_files import peek_json, read_json
from skelgait.skeletons import OPENPOSE_18

_EXPECTED = '{"data": [{"frame_index": n, "skeleton": [{"pose": [...], "score": [...]}]}]}'
_HINT = "export the poses again, or pass another --layout"


def _is_kinetics(content: Any) -> bool:
    frames = content.get("data") if isinstance(content, dict) else None
    return isinstance(frames, list) and bool(frames) and all(map(_is_frame, frames))


def _is_frame(frame: Any) -> bool:
    return (
        isinstance(frame, dict)
        and isinstance(frame.get("frame_index"), int)
        and isinstance(frame.get("skeleton"), list)
        and all(isinstance(person, dict) for person in frame["skeleton"])
    )


def _read(path: Path) -> Detections:
    content = read_json(path)
    if not _is_kinetics(content):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    frames = {str(frame["frame_index"]): [_person(p, path) for p in frame["skeleton"]] for frame in content["data"]}
    names = with_absent(sorted(frames, key=int))
    return Detections(path, [frames.get(name, []) for name in names], names, OPENPOSE_18, "confidence")


def _person(person: dict[str, Any], path: Path) -> Detection:
    pose, score = to_numbers(person.get("pose"), path), to_numbers(person.get("score"), path)
    if pose.ndim != 1 or score.ndim != 1 or len(pose) != 2 * len(score):
        found = f"pose of shape {pose.shape} and score of shape {score.shape}"
        raise ShapeError(path, found, "x and y, and a score, for each joint", _HINT)
    return Detection(np.concatenate([pose.reshape(-1, 2), score[:, None]], axis=1))


KINETICS = FileLayout(
    "kinetics-skeleton",
    "kinetics-skeleton of ST-GCN, one JSON file per video",
    "*.json",
    _read,
    lambda path: _is_kinetics(peek_json(path)),
)
