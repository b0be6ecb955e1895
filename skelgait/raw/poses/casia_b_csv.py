"""CASIA-B poses as published by GaitGraph: casia-b_pose_coco.csv, one row per frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, reading
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.natural_sort import natural_sort
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.joints import reshape_rows
from skelgait.raw.poses.sequence_files import cache_last_file, find_in_files, frame_name, read_head, split_path
from skelgait.raw.poses.table_columns import recognize_columns
from skelgait.skeletons import COCO_17

_EXPECTED = "rows of folder/sequence/frame and 3 numbers for each joint"
_HINT = "download the table again, or pass another --layout"
_MAX_LINE = 1 << 20

Span = tuple[int, int]
"""Start and end offset of rows in the file, in bytes."""


class Rows(NamedTuple):
    """Location of a sequence: table file, and the folder at the start of its rows."""

    path: Path
    folder: bytes


@dataclass(frozen=True)
class CasiaBCsv:
    """Layout of GaitGraph's CASIA-B table. Only the rows of one sequence are in memory at a time."""

    name: str = "casia-b-csv"
    title: str = "CASIA-B poses as published by GaitGraph, one CSV file"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        first = next((path for path in sample if path.suffix.lower() == ".csv"), None)
        try:
            return first is not None and _is_readable(first)
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Rows]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.csv", _find_in_folder)

    def files(self, location: Rows) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: Rows) -> Detections:
        """See `Layout.read`."""
        path, folder = location
        text = b"".join(_read_spans(path, _spans(path).get(folder, [])))
        images, joints = _parse(text, path)
        by_image: dict[str, list[int]] = {}
        for row, image in enumerate(images):
            by_image.setdefault(image, []).append(row)
        names = natural_sort(by_image)
        frames = [[Detection(joints[row]) for row in by_image[name]] for name in names]
        return Detections(path, frames, [frame_name(name) for name in names], COCO_17, is_one_person=True)


CASIA_B_CSV = CasiaBCsv()


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Rows]]:
    for name in folder.names:
        path = folder.path / name
        for rows in _spans(path):
            yield split_path(rows.decode(errors="replace"), path)[-1:], Rows(path, rows)


def _is_readable(path: Path) -> bool:
    """Return True if the first data row, with or without a header above it, can be parsed."""
    lines = read_head(path).splitlines()[:2]
    if lines and not _folder(lines[0]) and not _is_coco17(lines[0].decode(errors="replace").split(","), path):
        return False
    rows = [line for line in lines if _folder(line)]
    return bool(rows) and len(_parse(rows[0], path)[1]) == 1


def _is_coco17(header: list[str], path: Path) -> bool:
    """Return False if a header names joints in another order."""
    try:
        skeleton = recognize_columns(header, path).skeleton
    except DataError:  # a header without names
        return True
    return skeleton is None or skeleton.coco17_indices == tuple(range(len(COCO_17.joints)))


@cache_last_file
def _spans(path: Path) -> dict[bytes, list[Span]]:
    """Return the spans of the rows of each folder; one pass over the file that parses only the first column."""
    spans: dict[bytes, list[Span]] = {}
    folder, start, end = b"", 0, 0
    for n, line in enumerate(_lines(path)):
        line_folder = _folder(line)
        if line_folder != folder:
            if not line_folder and line.strip():
                raise DataError(path, f"no folder in the first column of row {n + 1}", _EXPECTED, _HINT)
            if folder:
                spans.setdefault(folder, []).append((start, end))
            folder, start = line_folder, end
        end += len(line)
    if folder:
        spans.setdefault(folder, []).append((start, end))
    return spans


def _lines(path: Path) -> Iterator[bytes]:
    with reading(path, _EXPECTED, _HINT), path.open("rb") as file:
        while line := file.readline(_MAX_LINE + 1):
            if len(line) > _MAX_LINE:
                raise DataError(path, f"a row of more than {_MAX_LINE} bytes", _EXPECTED, _HINT)
            yield line


def _folder(row: bytes) -> bytes:
    """Return the folder in the first column of a row; empty if there is none, as in the header."""
    first = row[1 : row.find(b'"', 1)] if row.startswith(b'"') else row[: row.find(b",")]
    return first.rpartition(b"/")[0]


def _read_spans(path: Path, spans: Sequence[Span]) -> Iterator[bytes]:
    with reading(path, _EXPECTED, _HINT), path.open("rb") as file:
        for start, end in spans:
            file.seek(start)
            yield file.read(end - start)


def _parse(text: bytes, path: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the image name of each row, and the joints (n, V, 3)."""
    with reading(path, _EXPECTED, _HINT, "a row that cannot be read", (csv.Error,)):
        rows = [row for row in csv.reader(io.StringIO(text.decode(), newline="")) if row]
        with np.errstate(over="ignore"):  # values out of range become infinite, a missing joint
            values = np.array([row[1:] for row in rows], np.float32)
    if not rows:
        raise DataError(path, "that rows are missing now", "an unchanged file", "run the command again")
    joints = reshape_rows(values, path)
    if joints.shape[1] != len(COCO_17.joints):
        raise DataError(path, f"rows of {joints.shape[1]} joints", _EXPECTED, _HINT)
    return [split_path(row[0], path)[-1] for row in rows], joints
