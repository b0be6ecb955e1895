"""Ultralytics YOLO pose labels: one text file per image, a line for each person, with values from 0 to 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelgait.errors import DataError, reading
from skelgait.raw.poses.detections import Detection
from skelgait.raw.poses.frame_files import FrameFiles
from skelgait.raw.poses.frames import FramePeople
from skelgait.raw.poses.sequence_files import iter_lines
from skelgait.skeletons import COCO_17

_EXPECTED = "lines of class, cx, cy, w, h and 17 joints (x, y or x, y, confidence)"
_HINT = "save the labels again, or pass another --layout"
_BOX = slice(1, 5)
_LEADING = 5
_MAX_TRAILING = 2


def _read(path: Path) -> FramePeople:
    with reading(path, _EXPECTED, _HINT, "other content"):
        rows = [[float(cell) for cell in line.split()] for line in iter_lines(path, "utf-8") if line]
    return FramePeople([_person(row, path) for row in rows if row])


def _person(row: list[float], path: Path) -> Detection:
    """Return the joints and the box of a line. Confidence and track id may follow the joints, in this order."""
    for width in (3, 2):
        end = _LEADING + width * len(COCO_17.joints)
        if end <= len(row) <= end + _MAX_TRAILING:
            cx, cy, w, h = row[_BOX]
            track = row[-1] if len(row) > end and row[-1].is_integer() and row[-1] >= 1 else None
            joints = np.array(row[_LEADING:end]).reshape(-1, width)
            return Detection(joints, track, [cx - w / 2, cy - h / 2, w, h])
    raise DataError(path, f"a line of {len(row)} numbers", _EXPECTED, _HINT)


YOLO_TEXT = FrameFiles(
    "yolo-txt",
    "Ultralytics YOLO pose labels, one text file per image",
    "*.txt",
    "",
    _read,
    COCO_17,
    may_share=True,
    needs_people=True,
    has_gaps=True,
    ignored_folder="labels",
)
