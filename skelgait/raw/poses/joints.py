"""Joints as programs write them down, as arrays of x, y and confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError, resemblance
from skelgait.skeletons import known_joint_counts

_HINT = "export x, y and confidence of each joint"
# GREW puts two values before the joints of a frame.
_LEADING = 2


def to_numbers(values: Any, where: Path) -> NDArray[Any]:
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
        raise DataError(where, f"joints that are no numbers ({error})", "lists of numbers", _HINT) from error


def reshape_rows(rows: NDArray[Any], where: Path) -> NDArray[Any]:
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
        where, f"rows of {width} numbers{resemblance(rows)}", f"3 numbers for each of {counts} joints", _HINT
    )


def add_confidence(joints: NDArray[Any], where: Path) -> NDArray[Any]:
    """Joints (..., V, 3); those given without confidence, as (..., V, 2), get 1, and 0 where they are 0, 0.

    Raises:
        ShapeError: the last axis is neither.
    """
    if joints.shape[-1] == 3:
        return joints
    if joints.shape[-1] != 2:
        raise ShapeError(where, f"joints of shape {joints.shape}", "x, y and confidence of each joint", _HINT)
    is_there = (joints != 0).any(axis=-1, keepdims=True)
    return np.concatenate([joints, is_there.astype(joints.dtype)], axis=-1)


def parse_people(values: Any, where: Path) -> NDArray[Any]:
    """The people of a frame, (M, V, 3), from one row, joints (V, 2 or 3), or people (M, V, 2 or 3); nobody from [].

    Raises:
        DataError: these are no numbers.
        ShapeError: they are of another shape.
    """
    array = to_numbers(values, where)
    if array.size == 0:
        return np.zeros((0, 0, 3))
    if array.ndim == 1:
        return reshape_rows(array[None], where)
    if array.ndim not in (2, 3):
        raise ShapeError(where, f"joints of shape {array.shape}", "(V, 3), or (M, V, 3) for M people", _HINT)
    return add_confidence(array if array.ndim == 3 else array[None], where)


def parse_person(row: Any, where: Path) -> NDArray[Any]:
    """One person, (V, 3), from a list of 3 V numbers.

    Raises:
        DataError: these are no numbers.
        ShapeError: they are of another shape, or no known skeleton format has that many joints.
    """
    array = to_numbers(row, where)
    if array.ndim != 1 or len(array) % 3:
        raise ShapeError(where, f"joints of shape {array.shape}", "a row of 3 numbers for each joint", _HINT)
    (joints,) = reshape_rows(array[None], where)
    return joints  # type: ignore[no-any-return]


def stack_people(people: Sequence[NDArray[Any]], where: Path) -> NDArray[Any]:
    """The people of a frame, (M, V, 3), from joints (V, 3) of each of them.

    Raises:
        ShapeError: they have different numbers of joints.
    """
    counts = sorted({len(joints) for joints in people})
    if len(counts) > 1:
        found = f"people with {' and '.join(map(str, counts))} joints in one frame"
        raise ShapeError(where, found, "one number of joints", "export the poses with one skeleton format")
    return np.stack(people) if people else np.zeros((0, 0, 3))
