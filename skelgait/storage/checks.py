"""Checks that an array fits its modality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.errors import ShapeError, resemblance
from skelgait.storage.source import Modality

_EXPECTED = {
    "pose": "poses (T, V, 3), or rows (T, 51) or (T, 53), of numbers",
    "map": "skeleton maps (T, 2, H, W) of uint8",
    "silhouette": "silhouettes (T, H, W) of uint8",
}
_HINT = {
    "pose": "choose the folder of the poses",
    "map": "make skeleton maps with `skelgait heatmap`",
    "silhouette": "choose the folder of the aligned silhouettes",
}


def check_modality(array: NDArray[Any], modality: Modality, where: Path) -> NDArray[Any]:
    """Check the shape and type of an array, and return the array.

    Args:
        array: frames of a sequence.
        modality: expected modality.
        where: file of the array, for the error message.

    Raises:
        ShapeError: if the array is of another modality.
    """
    if is_modality(array, modality):
        return array
    found = f"an array {array.shape} of {array.dtype}{resemblance(array)}"
    raise ShapeError(where, found, _EXPECTED[modality], _HINT[modality])


def is_modality(array: NDArray[Any], modality: Modality) -> bool:
    """Return True if the shape and type of an array are those of a modality."""
    fits = {
        "pose": array.dtype.kind in "iuf" and _has_joints(array.shape),
        "map": array.ndim == 4 and array.shape[1] == 2 and array.dtype == "uint8",
        "silhouette": array.ndim == 3 and array.dtype == "uint8",
    }
    return fits[modality]


def _has_joints(shape: tuple[int, ...]) -> bool:
    return (len(shape) == 3 and shape[2] == 3) or (len(shape) == 2 and shape[1] in (51, 53))
