"""One JSON file per image with a list of people: OpenPifPaf, Ultralytics YOLO and YOLOv7."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from skelgait.errors import DataError
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.file_layout import FileLayout
from skelgait.raw.poses.frame_files import FrameFiles
from skelgait.raw.poses.frames import FramePeople
from skelgait.raw.poses.joints import parse_person, to_numbers
from skelgait.raw.poses.json_files import peek_json, read_json
from skelgait.skeletons import COCO_17, Skeleton

_HINT = "export the poses again, or pass another --layout"
# Keys of people in lists that name the image of each person.
IMAGE_KEYS = (
    "image_id", "image_name", "image_path", "file_name", "filename", "image", "img_path", "img_name", "frame_id",
    "frame", "frame_index", "frame_number", "frame_num",
)  # fmt: skip
# A row of YOLOv7: batch, class, cx, cy, w, h, confidence, and the joints.
_YOLOV7_LEADING = 7
_YOLOV7_WIDTH = _YOLOV7_LEADING + 3 * len(COCO_17.joints)


def _is_openpifpaf(person: Any) -> bool:
    return (
        isinstance(person, dict)
        and isinstance(person.get("keypoints"), list)
        and "bbox" in person
        and not any(key in person for key in (*IMAGE_KEYS, "keypoint_scores"))
    )


def _openpifpaf(person: Any, path: Path) -> Detection:
    return Detection(parse_person(person["keypoints"], path), person.get("id_"), person["bbox"])


def _is_ultralytics(person: Any) -> bool:
    keypoints = person.get("keypoints") if isinstance(person, dict) else None
    return isinstance(keypoints, dict) and {"x", "y"} <= keypoints.keys()


def _ultralytics(person: Any, path: Path) -> Detection:
    keypoints, box = person["keypoints"], person.get("box")
    columns = [to_numbers(keypoints[key], path) for key in ("x", "y", "visible") if keypoints.get(key) is not None]
    if len({column.shape for column in columns}) > 1:
        raise DataError(path, "x and y of different lengths", "x, y and visible of each joint", _HINT)
    return Detection(np.stack(columns, axis=-1), person.get("track_id"), _box_of_corners(box))


def _box_of_corners(box: Any) -> list[float] | None:
    corners = [box.get(key) for key in ("x1", "y1", "x2", "y2")] if isinstance(box, dict) else []
    numbers = [float(n) for n in corners if isinstance(n, int | float)]
    if len(numbers) < 4:
        return None
    left, top, right, bottom = numbers
    return [left, top, right - left, bottom - top]


def _is_yolov7(row: Any) -> bool:
    return isinstance(row, list) and len(row) == _YOLOV7_WIDTH and all(isinstance(n, int | float) for n in row)


def _yolov7(row: Any, path: Path) -> Detection:
    cx, cy, width, height = row[2:6]
    return Detection(parse_person(row[_YOLOV7_LEADING:], path), None, [cx - width / 2, cy - height / 2, width, height])


def _people(content: Any, path: Path, is_person: Callable[[Any], bool], parse: Callable[[Any, Path], Detection]) -> Any:
    if not isinstance(content, list) or not all(map(is_person, content)):
        raise DataError(path, "other content", "a list of people", _HINT)
    return [parse(person, path) for person in content]


def _images(
    name: str,
    title: str,
    suffix: str,
    is_person: Callable[[Any], bool],
    parse: Callable[[Any, Path], Detection],
    skeleton: Skeleton | None = None,
) -> FrameFiles:
    """Return the layout with one file per image."""
    return FrameFiles(
        name,
        title,
        "*.json",
        suffix,
        lambda path: FramePeople(_people(read_json(path), path, is_person, parse)),
        skeleton,
        may_share=True,
        needs_people=True,
    )


OPENPIFPAF = _images("openpifpaf", "OpenPifPaf, one JSON file per image", ".predictions", _is_openpifpaf, _openpifpaf)
ULTRALYTICS = _images(
    "ultralytics", "Ultralytics YOLO, results.to_json() of each image in one file", "", _is_ultralytics, _ultralytics
)
YOLOV7 = _images("yolov7", "YOLOv7, rows of each image in one JSON file", "", _is_yolov7, _yolov7, COCO_17)


def _is_video(content: Any) -> bool:
    frames = _frames(content)
    people = [person for frame in frames.values() for person in frame]
    return bool(people) and (all(map(_is_ultralytics, people)) or all(map(_is_yolov7, people)))


def _frames(content: Any) -> dict[str, list[Any]]:
    """Return the people of each frame, of a list or an object of lists; empty for other content."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    frames = {str(name): people for name, people in items if isinstance(people, list)}
    return frames if len(frames) == len(content if isinstance(content, dict | list) else ()) else {}


def _read_video(path: Path) -> Detections:
    content = read_json(path)
    if not _is_video(content):
        raise DataError(path, "other content", "a list of frames, each a list of people", _HINT)
    frames = {
        name: [(_yolov7 if _is_yolov7(person) else _ultralytics)(person, path) for person in people]
        for name, people in _frames(content).items()
    }
    return Detections(path, list(frames.values()), list(frames))


YOLO_VIDEO = FileLayout(
    "yolo-video",
    "Ultralytics YOLO or YOLOv7, the lists of all frames of a video in one JSON file",
    "*.json",
    _read_video,
    lambda path: _is_video(peek_json(path)),
)
