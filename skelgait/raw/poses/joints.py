"""Conversion of joints in raw files to arrays of x, y and confidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError, resemblance
from skelgait.skeletons import known_joint_counts

_HINT = "export x, y and confidence of each joint"
# GREW has two values before the joints of a frame.
_N_LEADING = 2


def to_numbers(values: Any, file: Path) -> NDArray[Any]:
    """Convert nested lists of numbers to an array; None becomes NaN. Float arrays are returned unchanged.

    Raises:
        DataError: if a value is not a number, or lists have different lengths.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return values
    try:
        if values is None:
            raise ValueError("no value")
        return np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(file, f"joints that are not numbers ({error})", "lists of numbers", _HINT) from error


def reshape_rows(rows: NDArray[Any], file: Path) -> NDArray[Any]:
    """Reshape rows (n, 3 V), or (n, 2 + 3 V) with two leading values, to joints (n, V, 3).

    Raises:
        ShapeError: if no known skeleton has this number of joints.
    """
    width = rows.shape[1]
    for leading in (0, _N_LEADING):
        if width - leading in (3 * count for count in known_joint_counts()):
            return rows[:, leading:].reshape(len(rows), -1, 3)
    counts = ", ".join(map(str, known_joint_counts()))
    raise ShapeError(
        file, f"rows of {width} numbers{resemblance(rows)}", f"3 numbers for each of {counts} joints", _HINT
    )


def parse_people(values: Any, file: Path) -> NDArray[Any]:
    """Convert the content of a frame to people (M, V, 3).

    Args:
        values: one row of joints, joints (V, 2 or 3), or people (M, V, 2 or 3); empty for no people.
        file: file that contains the frame, for the error message.

    Raises:
        DataError: if a value is not a number.
        ShapeError: if the array has another shape.
    """
    array = to_numbers(values, file)
    if array.size == 0:
        return np.zeros((0, 0, 3))
    if array.ndim == 1:
        return reshape_rows(array[None], file)
    if array.ndim not in (2, 3):
        raise ShapeError(file, f"joints of shape {array.shape}", "(V, 3), or (M, V, 3) for M people", _HINT)
    if array.shape[-1] not in (2, 3):
        raise ShapeError(file, f"joints of shape {array.shape}", "x, y and confidence of each joint", _HINT)
    return array if array.ndim == 3 else array[None]


def parse_person(values: Any, file: Path) -> NDArray[Any]:
    """Convert a row of 3 V numbers, or V rows of 2 or 3 numbers, to the joints of one person; empty for no joints.

    Raises:
        DataError: if a value is not a number.
        ShapeError: if the array has another shape.
    """
    array = to_numbers(values, file)
    if array.size == 0:
        return np.zeros((0, 3))
    if array.ndim == 2 and array.shape[1] in (2, 3):
        return array
    if array.ndim != 1 or len(array) % 3:
        raise ShapeError(file, f"joints of shape {array.shape}", "3 numbers for each joint", _HINT)
    return array.reshape(-1, 3)
