"""NumPy files: (T, V, 2 or 3), (M, T, V, C) or (N, C, T, V, M), in one .npy file or in the arrays of an .npz file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.joints import reshape_rows
from skelgait.raw.poses.numpy_files import ArrayHeader, read_array, read_headers
from skelgait.raw.poses.sequence_files import find_in_files
from skelgait.raw.poses.third_values import refuse_3d
from skelgait.skeletons import known_joint_counts

_EXPECTED = "joints (T, V, 2 or 3), (M, T, V, C) or (N, C, T, V, M)"
_HINT = "export x, y and confidence of each joint"
_SAMPLED_FILES = 5
# More people than this on the first axis of (M, T, V, C) are frames.
_MAX_PEOPLE = 10


class ArrayItem(NamedTuple):
    """Location of a sequence: file, name of the array in an .npz file, and number on the axis of sequences."""

    path: Path
    name: str
    number: int | None


@dataclass(frozen=True)
class Arrays:
    """Layout of NumPy files."""

    name: str = "numpy"
    title: str = "NumPy arrays of joints, .npy or .npz"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = [path for path in sample if path.suffix.lower() in (".npy", ".npz")]
        return any(map(_has_joints, files[:_SAMPLED_FILES]))

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, ArrayItem]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.np[yz]", _find_in_folder)

    def files(self, location: ArrayItem) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: ArrayItem) -> Detections:
        """See `Layout.read`."""
        path, name, number = location
        array = read_array(path, name)
        if number is not None:
            array = array[number].transpose(3, 1, 2, 0)
        people = _people(array, path)
        is_known = (np.nan_to_num(people[..., :2]) != 0).any(axis=(2, 3))
        frames = [
            [Detection(people[m, t], m) for m in range(len(people)) if is_known[m, t]] for t in range(people.shape[1])
        ]
        return Detections(path, frames, [str(t) for t in range(len(frames))])


ARRAYS = Arrays()


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, ArrayItem]]:
    for file in folder.names:
        path = folder.path / file
        arrays = _arrays_of_joints(path)
        for name, (shape, _) in arrays.items():
            parts = (path.stem,) if len(arrays) == 1 else (path.stem, name)
            if len(shape) == 5:
                yield from (((*parts, f"{n:05d}"), ArrayItem(path, name, n)) for n in range(shape[0]))
            else:
                yield parts, ArrayItem(path, name, None)


def _has_joints(path: Path) -> bool:
    try:
        return bool(_arrays_of_joints(path))
    except DataError:
        return False


def _arrays_of_joints(path: Path) -> dict[str, ArrayHeader]:
    """Return the headers of the arrays of a file whose shape is that of joints.

    Raises:
        DataError: if the file cannot be read or has no such array.
    """
    arrays = read_headers(path)
    joints = {name: array for name, array in arrays.items() if _is_shape_of_joints(array)}
    if not joints:
        found = ", ".join(f"{name} {array.shape} of {array.dtype}" for name, array in arrays.items()) or "no array"
        raise ShapeError(path, f"arrays of other shapes ({found})", _EXPECTED, _HINT)
    return joints


def _is_shape_of_joints(array: ArrayHeader) -> bool:
    counts, shape = known_joint_counts(), array.shape
    if array.dtype.kind not in "fiu" or 0 in shape:
        return False
    if len(shape) == 2:
        return shape[1] in [3 * n for n in counts]
    if len(shape) == 5:
        return shape[3] in counts and shape[1] in (2, 3)
    return len(shape) in (3, 4) and shape[-2] in counts and shape[-1] in (2, 3, 4)


def _people(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return joints (M, T, V, 2 or 3).

    Raises:
        ShapeError: if joints have four values: x, y, z and a confidence.
    """
    array = array.astype(np.result_type(array.dtype, np.float32))
    if array.shape[-1] == 4:
        raise refuse_3d(path, f"an array {array.shape} of x, y, z and confidence")
    if array.ndim == 2:
        return reshape_rows(array, path)[None]
    if array.ndim == 3:
        return array[None]
    is_frames_first = array.shape[0] > _MAX_PEOPLE >= array.shape[1]
    return array.transpose(1, 0, 2, 3) if is_frames_first else array
