"""Columns of tables of joints, recognized from their headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from skelgait.errors import DataError
from skelgait.raw.poses.named_joints import skeleton_of_names
from skelgait.skeletons import Skeleton

_AXES = {
    "x": "x", "y": "y", "z": "z", "c": "c", "conf": "c", "confidence": "c", "score": "c", "likelihood": "c", "p": "c",
    "prob": "c", "probability": "c", "visibility": "c", "visible": "c", "vis": "c", "v": "c", "presence": "",
}  # fmt: skip
_AXIS = "|".join(sorted(_AXES, key=len, reverse=True))
# Nose_x, 0_x, L0_visibility, left.shoulder.x; and x_0, y_nose.
_LAST = re.compile(rf"(.+?)[ _.:\-]?({_AXIS})", re.IGNORECASE)
_FIRST = re.compile(rf"({_AXIS})[ _.:\-]?(.+)", re.IGNORECASE)
_SEPARATED = re.compile(rf"(.+?)[ _.:\-]({_AXIS})", re.IGNORECASE)
_NUMBER = re.compile(r"(?:[A-Za-z]*[ _]?)(\d+)")
_PEOPLE = ("person", "person_id", "personid", "track_id", "trackid", "track", "id", "pid", "subject", "individual")
_FRAMES = ("frame", "frame_id", "frame_number", "frame_idx", "frame_index", "frame_num", "image", "image_id",
           "image_name", "filename", "file_name", "file", "img")  # fmt: skip
_MIN_JOINTS = 12
_EXPECTED = "columns such as Nose_x, Nose_y, Nose_conf, or x_0, y_0, or a joint in each cell"
_HINT = "describe the columns with --skeleton FILE.yaml"


class Columns(NamedTuple):
    """Columns of a table.

    Attributes:
        joints: indices of the columns of x, y and, if there is one, confidence of each joint; a single index for cells
            that contain [x, y] or [x, y, confidence].
        skeleton: skeleton that the headers name; None: they have numbers.
        frame: index of the column of the frame; None: each row is a frame.
        person: index of the column of the person; None: one person.
        time: index of a column that orders the rows, if there is no frame.
        depth: indices of the columns of z.
    """

    joints: Sequence[tuple[int, ...]]
    skeleton: Skeleton | None = None
    frame: int | None = None
    person: int | None = None
    time: int | None = None
    depth: Sequence[int] = ()


class TableFormat(NamedTuple):
    """Columns that a skeleton file names.

    Attributes:
        joints: names of the columns of x, y and, if there is one, confidence, by joint.
        frame: name of the column of the frame; None: each row is a frame.
        person: name of the column of the person; None: one person.
    """

    joints: Mapping[str, Sequence[str]]
    frame: str | None = None
    person: str | None = None


def recognize_columns(headers: Sequence[str], path: Path) -> Columns:
    """Return the columns of a table of joints.

    Raises:
        DataError: if the headers do not name or number the joints of a person.
    """
    texts = [header.strip() for header in headers]
    found = _joint_columns(texts)
    numbered = {name: int(match.group(1)) for name in found if (match := _NUMBER.fullmatch(name))}
    if len(numbered) >= _MIN_JOINTS and sorted(numbered.values()) == list(
        range(min(numbered.values()), min(numbered.values()) + len(numbered))
    ):
        names, skeleton = sorted(numbered, key=numbered.__getitem__), None
    else:
        names = list(found)
        skeleton = skeleton_of_names(names, "header", path)
        if skeleton is None:
            found_text = f"headers {', '.join(texts[:6])}{', ...' if len(texts) > 6 else ''}"
            raise DataError(path, found_text, _EXPECTED, _HINT)
    return Columns(
        [found[name] for name in names],
        skeleton,
        _index(texts, _FRAMES),
        _index(texts, _PEOPLE),
        _index(texts, ("time", "timestamp", "seconds")),
        [n for n, text in enumerate(texts) if (pair := _split(text)) and pair[1] == "z"],
    )


def custom_columns(headers: Sequence[str], table: TableFormat, path: Path) -> Columns:
    """Return the columns that a skeleton file names.

    Raises:
        DataError: if the table lacks one of them, or the joints are not those of a person.
    """
    joints, frame, person = table
    texts = [header.strip() for header in headers]
    for name in [*(column for columns in joints.values() for column in columns), *filter(None, (frame, person))]:
        if name not in texts:
            raise DataError(path, f"no column {name!r}", f"the columns of --skeleton, in {', '.join(texts[:8])}", _HINT)
    return Columns(
        [tuple(map(texts.index, columns)) for columns in joints.values()],
        skeleton_of_names(list(joints), "skeleton file", path),
        texts.index(frame) if frame else None,
        texts.index(person) if person else None,
    )


def _index(texts: Sequence[str], names: Sequence[str]) -> int | None:
    lower = [text.lower().replace(" ", "_") for text in texts]
    return next((lower.index(name) for name in names if name in lower), None)


def _joint_columns(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the columns of each joint, by its name or number, in the order of the table."""
    axes: dict[str, dict[str, int]] = {}
    for n, text in enumerate(texts):
        pair = _split(text)
        if pair is not None:
            axes.setdefault(pair[0], {})[pair[1]] = n
    complete = {name: columns for name, columns in axes.items() if {"x", "y"} <= columns.keys() and name != "centroid"}
    if complete:
        return {name: tuple(c[axis] for axis in ("x", "y", "c") if axis in c) for name, c in complete.items()}
    others = {*_FRAMES, *_PEOPLE, "time", "timestamp", "seconds", ""}
    return {text: (n,) for n, text in enumerate(texts) if text.lower() not in others}


def _split(text: str) -> tuple[str, str] | None:
    """Return joint and axis of a header; None if it has no axis."""
    for pattern, order in ((_SEPARATED, 1), (_FIRST, -1), (_LAST, 1)):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        joint, axis = match.groups()[::order]
        is_glued = pattern is not _SEPARATED and text[len(joint) if order == 1 else len(axis)] not in " _.:-"
        if is_glued and not (joint.isdigit() or (pattern is _LAST and axis in ("X", "Y", "Z"))):
            continue  # "elbow" does not end with an axis, and "place" does not begin with one
        return joint, _AXES[axis.lower()]
    return None
