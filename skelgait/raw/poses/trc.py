"""Marker files (.trc) of Sports2D and other motion capture programs; those with 2D markers are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelgait.errors import DataError, reading
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.file_layout import FileLayout
from skelgait.raw.poses.named_joints import skeleton_of_names
from skelgait.raw.poses.sequence_files import iter_lines, read_head
from skelgait.raw.poses.third_values import refuse_3d

_EXPECTED = "tab-separated markers: a header of five lines, then frame, time, and X, Y, Z of each marker"
_HINT = "export the markers again, or pass another --layout"
_HEADER_LINES = 5


def _is_trc(path: Path) -> bool:
    return read_head(path).startswith(b"PathFileType")


def _read(path: Path) -> Detections:
    with reading(path, _EXPECTED, _HINT, "other content", (IndexError,)):
        lines = list(iter_lines(path, "utf-8", "replace"))
        names = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
        rows = [line.split("\t") for line in lines[_HEADER_LINES:] if line.strip()]
        width = 2 + 3 * len(names)
        values = np.array([[float(cell or "nan") for cell in (row + [""] * width)[:width]] for row in rows])
    if not names or not len(values):
        raise DataError(path, "no markers", _EXPECTED, _HINT)
    markers = values[:, 2:].reshape(len(values), -1, 3)
    depth = np.nan_to_num(markers[..., 2])
    if depth.any():
        raise refuse_3d(path, f"Z from {depth.min():.3g} to {depth.max():.3g}")
    joints = np.nan_to_num(markers[..., :2])
    frames = [[Detection(joint)] for joint in joints]
    return Detections(path, frames, [f"{n:.0f}" for n in values[:, 0]], skeleton_of_names(names, "trc", path))


TRC = FileLayout("trc", "2D markers (.trc) as Sports2D writes them, one file per person", "*.trc", _read, _is_trc)
