"""Tables of joints (CSV, TSV): one row per frame, or per person and frame; and the tables of DeepLabCut."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, reading
from skelgait.raw.poses.casia_b_csv import CASIA_B_CSV
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.file_layout import FileLayout
from skelgait.raw.poses.image_people import with_absent
from skelgait.raw.poses.named_joints import skeleton_of_names
from skelgait.raw.poses.sequence_files import frame_name, iter_lines, read_head
from skelgait.raw.poses.table_columns import Columns, TableFormat, custom_columns, recognize_columns
from skelgait.raw.poses.third_values import refuse_3d
from skelgait.skeletons import MEDIAPIPE

_EXPECTED = "a table with a header and one row per frame"
_HINT = "describe the columns with --skeleton FILE.yaml"
_NUMBERS = re.compile(r"[-+0-9.eE]+|nan", re.IGNORECASE)
_DELIMITERS = ",;\t"


def table_layout(table: TableFormat | None = None) -> FileLayout:
    """Return the layout of tables whose columns are recognized, or named by a skeleton file."""

    def read(path: Path) -> Detections:
        return _read(path, table)

    return FileLayout("table", "tables of joints, one CSV file per video", "*.[ct]sv", read, _is_table)


def _is_table(path: Path) -> bool:
    try:
        rows = list(_split_rows(read_head(path).decode(errors="replace").splitlines()[:4]))
    except csv.Error:  # Python before 3.11 reads no null characters
        return False
    if not rows or CASIA_B_CSV.matches([path]):
        return False
    if rows[0][0].strip().lower() == "scorer":
        return True
    recognize_columns(rows[0], path)
    return True


def _read(path: Path, table: TableFormat | None) -> Detections:
    with reading(path, _EXPECTED, _HINT, "a row that cannot be read", (csv.Error,)):
        rows = [row for row in _split_rows(list(iter_lines(path, "utf-8-sig"))) if any(row)]
    if len(rows) < 2:
        raise DataError(path, "no rows", _EXPECTED, _HINT)
    if rows[0][0].strip().lower() == "scorer":
        return _read_deeplabcut(rows, path)
    columns = custom_columns(rows[0], table, path) if table else recognize_columns(rows[0], path)
    joints = _joints(rows[1:], columns.joints, path)
    _check_depth(rows[1:], columns, path)
    return _frames(rows[1:], joints, columns, path)


def _split_rows(lines: Sequence[str]) -> Iterator[list[str]]:
    """Split the lines at the most frequent delimiter of the header."""
    if lines:
        delimiter = max(_DELIMITERS, key=lines[0].count)
        yield from csv.reader(lines, delimiter=delimiter)


def _joints(rows: Sequence[Sequence[str]], columns: Sequence[Sequence[int]], path: Path) -> NDArray[np.float64]:
    """Return the joints of all rows, (N, V, 2 or 3)."""
    widths = sorted({len(indices) for indices in columns})
    if widths not in ([1], [2], [3]) or not rows:
        found = f"joints with {' and '.join(map(str, widths))} columns, and {len(rows)} rows"
        raise DataError(path, found, "x, y and, for all joints or for none, confidence", _HINT)
    return np.stack([_joint(rows, indices, path) for indices in columns], axis=1)


def _joint(rows: Sequence[Sequence[str]], indices: Sequence[int], path: Path) -> NDArray[np.float64]:
    """Return x, y and, if there is one, confidence of a joint in all rows; NaN becomes a missing joint."""
    try:
        if len(indices) > 1:
            values = np.array([[_number(row[index]) for index in indices] for row in rows])
        else:
            values = np.array([_cell(row[indices[0]]) for row in rows])
    except (ValueError, IndexError) as error:
        raise DataError(path, f"a row that cannot be read ({error})", "numbers in all columns", _HINT) from error
    return np.where(np.isfinite(values[:, :2]).all(axis=1, keepdims=True), np.nan_to_num(values), 0)


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else np.nan


def _cell(cell: str) -> list[float]:
    """Return the numbers of a cell such as "[0.70, 0.12]"; NaN for an empty one."""
    numbers = [float(text) for text in _NUMBERS.findall(cell)]
    if len(numbers) not in (0, 2, 3):
        raise ValueError(f"the cell {cell!r:.40}")
    return numbers[:2] or [np.nan, np.nan]


def _check_depth(rows: Sequence[Sequence[str]], columns: Columns, path: Path) -> None:
    """Refuse joints with a third dimension. MediaPipe writes a depth beside its 2D joints."""
    if len(columns.joints) == len(MEDIAPIPE.joints) or not columns.depth:
        return
    depth = np.array([[_number(row[index]) for index in columns.depth] for row in rows])
    if np.nan_to_num(depth).any():
        raise refuse_3d(path, f"z from {np.nanmin(depth):.3g} to {np.nanmax(depth):.3g}")


def _frames(rows: Sequence[Sequence[str]], joints: NDArray[np.float64], columns: Columns, path: Path) -> Detections:
    """Return the people of each frame. Frames whose numbers are absent have no people."""
    order = columns.frame if columns.frame is not None else columns.time if columns.person is not None else None
    frames: dict[str, list[Detection]] = {}
    for n, (row, person) in enumerate(zip(rows, joints, strict=True)):
        name = str(n) if order is None else _frame(row[order])
        track = None if columns.person is None else _track(row[columns.person])
        frames.setdefault(name, []).append(Detection(person, track))
    names = list(frames) if columns.frame is None else with_absent(_sorted(frames))
    has_names = columns.frame is not None
    people = [frames.get(name, []) for name in names]
    return Detections(
        path, people, [frame_name(name) for name in names] if has_names else None, columns.skeleton,
    )  # fmt: skip


def _sorted(names: Mapping[str, object]) -> list[str]:
    return sorted(names, key=int) if all(name.isdigit() for name in names) else list(names)


def _frame(cell: str) -> str:
    """Return the name of a frame; 12.0 is 12."""
    text = cell.strip()
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def _track(cell: str) -> int | None:
    match = re.search(r"\d+", cell)
    return int(match.group()) if match else None


def _read_deeplabcut(rows: Sequence[Sequence[str]], path: Path) -> Detections:
    """Read a table with the header rows scorer, [individuals], bodyparts and coords."""
    heads = {row[0].strip().lower(): row[1:] for row in rows[:4] if not row[0].strip().isdigit()}
    if not {"bodyparts", "coords"} <= heads.keys():
        raise DataError(path, "header rows without bodyparts and coords", "header rows of DeepLabCut", _HINT)
    individuals = heads.get("individuals", ["person"] * len(heads["bodyparts"]))
    columns: dict[str, dict[str, list[int]]] = {}
    for n, (individual, part) in enumerate(zip(individuals, heads["bodyparts"], strict=False), start=1):
        columns.setdefault(individual, {}).setdefault(part, []).append(n)
    body = rows[len(heads) :]
    first = next(iter(columns.values()))
    skeleton = skeleton_of_names(list(first), "DeepLabCut", path)
    people = [
        _joints(body, list(parts.values()), path)
        for parts in columns.values() if parts.keys() == first.keys()
    ]  # fmt: skip
    frames = [[Detection(joints[t], n) for n, joints in enumerate(people)] for t in range(len(body))]
    names = [_frame(row[0]) for row in body]
    return Detections(path, frames, names, skeleton, "confidence")


TABLE = table_layout()
