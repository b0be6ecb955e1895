"""NTU RGB+D `.skeleton` files: Kinect v2 joints, read by their coordinates in the color image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import reading
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.file_layout import FileLayout
from skelgait.raw.poses.sequence_files import iter_lines, read_head
from skelgait.skeletons import KINECT

_EXPECTED = "frame count; for each frame a body count; for each body a line of ids, a joint count, and its joints"
_HINT = "download the file again, or pass another --layout"
_IMAGE_SIZE = (1920, 1080)
# Columns of a joint: x y z depthX depthY colorX colorY orientation (4 values) state.
_COLOR = slice(5, 7)
_STATE = 11


def _is_ntu(path: Path) -> bool:
    lines = read_head(path).split(b"\n", 3)
    return len(lines) > 2 and all(line.strip().isdigit() for line in lines[:2])


def _read(path: Path) -> Detections:
    with reading(path, _EXPECTED, _HINT, "other content", (IndexError, RuntimeError, StopIteration)):
        lines = iter_lines(path, "ascii")
        n_frames = int(next(lines))
        frames = [list(_people(lines)) for _ in range(n_frames)]
    names = [str(n) for n in range(n_frames)]
    return Detections(path, frames, names, KINECT, "flag", _IMAGE_SIZE)


def _people(lines: Iterator[str]) -> Iterator[Detection]:
    for _ in range(int(next(lines))):
        track = int(next(lines).split()[0])
        rows = [next(lines).split() for _ in range(int(next(lines)))]
        yield Detection(_joints(rows), track)


def _joints(rows: list[list[str]]) -> NDArray[np.float64]:
    """Return x, y and the tracking state: 0 not tracked, 1 inferred, 2 tracked."""
    values = np.array([[*row[_COLOR], row[_STATE]] for row in rows], np.float64).reshape(-1, 3)
    return np.where(np.isfinite(values).all(axis=1, keepdims=True), values, 0)


NTU = FileLayout(
    "ntu", "NTU RGB+D, one .skeleton file per video, by the color coordinates", "*.skeleton", _read, _is_ntu
)
