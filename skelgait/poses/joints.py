"""Joints as programs write them down, as arrays of x, y and confidence; and files that many sequences share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.raw.keys import UNKNOWN, Parts
from skelgait.raw.walk import Folder, folders_with
from skelgait.skeletons import known_joint_counts
from skelgait.storage.checks import resemblance

_MEND = "export x, y and confidence of each joint"
# GREW puts two values before the joints of a frame.
_LEADING = 2
# What a file system takes as a name.
_LONGEST_NAME = 255
_HEAD_BYTES = 65536

Content = TypeVar("Content")
Place = TypeVar("Place")


def numeric(values: Any, where: Path) -> NDArray[Any]:
    """Lists of numbers as an array; what is null is not a number (NaN). Arrays keep their type of float.

    Raises:
        DataError: something else is among them, or lists of different lengths.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return values
    try:
        if values is None:
            raise ValueError("nothing")
        return np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(where, f"joints that are no numbers ({error})", "lists of numbers", _MEND) from error


def joint_rows(rows: NDArray[Any], where: Path) -> NDArray[Any]:
    """Rows (n, 3 V), or (n, 2 + 3 V) with two leading values, as joints (n, V, 3).

    Raises:
        ShapeError: no known skeleton format has that many joints.
    """
    width = rows.shape[1]
    for leading in (0, _LEADING):
        if width - leading in (3 * count for count in known_joint_counts()):
            return rows[:, leading:].reshape(len(rows), -1, 3)
    counts = ", ".join(map(str, known_joint_counts()))
    raise ShapeError(
        where, f"rows of {width} numbers{resemblance(rows)}", f"3 numbers for each of {counts} joints", _MEND
    )


def with_confidence(joints: NDArray[Any], where: Path) -> NDArray[Any]:
    """Joints (..., V, 3); those given without confidence, as (..., V, 2), get 1, and 0 where they are 0, 0.

    Raises:
        ShapeError: the last axis is neither.
    """
    if joints.shape[-1] == 3:
        return joints
    if joints.shape[-1] != 2:
        raise ShapeError(where, f"joints of shape {joints.shape}", "x, y and confidence of each joint", _MEND)
    is_there = (joints != 0).any(axis=-1, keepdims=True)
    return np.concatenate([joints, is_there.astype(joints.dtype)], axis=-1)


def as_people(values: Any, where: Path) -> NDArray[Any]:
    """The people of a frame, (M, V, 3), from one row, joints (V, 2 or 3), or people (M, V, 2 or 3); nobody from [].

    Raises:
        DataError: these are no numbers.
        ShapeError: they are of another shape.
    """
    array = numeric(values, where)
    if array.size == 0:
        return np.zeros((0, 0, 3))
    if array.ndim == 1:
        return joint_rows(array[None], where)
    if array.ndim not in (2, 3):
        raise ShapeError(where, f"joints of shape {array.shape}", "(V, 3), or (M, V, 3) for M people", _MEND)
    return with_confidence(array if array.ndim == 3 else array[None], where)


def as_person(row: Any, where: Path) -> NDArray[Any]:
    """One person, (V, 3), from a list of 3 V numbers.

    Raises:
        DataError: these are no numbers.
        ShapeError: they are of another shape, or no known skeleton format has that many joints.
    """
    array = numeric(row, where)
    if array.ndim != 1 or len(array) % 3:
        raise ShapeError(where, f"joints of shape {array.shape}", "a row of 3 numbers for each joint", _MEND)
    (joints,) = joint_rows(array[None], where)
    return joints  # type: ignore[no-any-return]


def together(people: Sequence[NDArray[Any]], where: Path) -> NDArray[Any]:
    """The people of a frame, (M, V, 3), from joints (V, 3) of each of them.

    Raises:
        ShapeError: they have different numbers of joints.
    """
    counts = sorted({len(joints) for joints in people})
    if len(counts) > 1:
        found = f"people with {' and '.join(map(str, counts))} joints in one frame"
        raise ShapeError(where, found, "one number of joints", "export the poses with one skeleton format")
    return np.stack(people) if people else np.zeros((0, 0, 3))


def tracks_of(ids: Sequence[Sequence[Any]]) -> list[list[int]] | None:
    """Tracks from what an estimator wrote down for each person of each frame.

    None where somebody has no whole number, or two people in a frame have the same: without tracking, some estimators
    write 0 for everybody.
    """
    for present in ids:
        if not all(isinstance(n, int) or (isinstance(n, float) and n.is_integer()) for n in present):
            return None
        if len(set(present)) < len(present):
            return None
    return [[int(n) for n in present] for present in ids]


def sequences_at(
    root: Path, pattern: str, inside: Callable[[Folder], Iterable[tuple[Parts, Place]]]
) -> dict[Parts, Place]:
    """The sequences in files of a pattern in and below `root`, or in `root` itself where it is a file.

    Args:
        root: a file or folder.
        pattern: of the files' names.
        inside: the sequences in the files of a folder: the names that follow those of the folder, and the place.

    Raises:
        DataError: a folder cannot be read, or two sequences have the same names.
    """
    folders = [Folder((), root.parent, [root.name])] if root.is_file() else folders_with(root, pattern)
    found: dict[Parts, Place] = {}
    for folder in folders:
        for names, place in inside(folder):
            # What lies in the root itself is called what that is called.
            parts = (*folder.parts, *names) or (folder.path.resolve().name or UNKNOWN,)
            if parts in found:
                mend = "rename or remove one, or say with --pattern which files to look at"
                raise DataError(folder.path, f"{'/'.join(parts)} twice", "each sequence once", mend)
            found[parts] = place
    return found


def path_parts(text: Any, where: Path) -> Parts:
    """The names on the way that a file describes, such as that of an image; none leads out of a folder.

    Raises:
        DataError: it is no text, or has names in it that no file can have.
    """
    found = f"the path {text!r:.80}"
    if isinstance(text, str):
        parts = tuple(part for part in re.split(r"[/\\]", text) if part not in ("", ".", ".."))
        if parts and all(part.isprintable() and len(part) <= _LONGEST_NAME for part in parts):
            return parts
    raise DataError(where, found, "names of folders and files", "export the poses again")


def frame_name(image: str) -> str:
    """The name of a frame, which is that of its image without the ending, if it has one."""
    return re.sub(r"(?<=.)\.[A-Za-z]\w*$", "", image)


def head(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def kept(load: Callable[[Path], Content]) -> Callable[[Path], Content]:
    """`load`, but what it made of a file is kept until another file is wanted, or this one is written anew."""

    @lru_cache(maxsize=1)
    def load_dated(path: Path, _modified_ns: int) -> Content:
        return load(path)

    @wraps(load)
    def load_once(path: Path) -> Content:
        try:
            modified_ns = path.stat().st_mtime_ns
        except OSError:
            return load(path)  # which tells what is wrong
        return load_dated(path, modified_ns)

    return load_once


def is_empty_list(path: Path) -> bool:
    """Whether a JSON file lists nothing at all."""
    return re.fullmatch(rb"\s*\[\s*\]\s*", head(path)) is not None
