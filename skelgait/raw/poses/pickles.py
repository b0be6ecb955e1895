"""One pickle per sequence: CCPG, CASIA-B-Pose, SUSTech1K, GREW rows, and datasets preprocessed by OpenGait."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import DATASETS
from skelgait.errors import DataError, ShapeError, reading, resemblance
from skelgait.raw.file_tree import walk_folders
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.joints import parse_people, reshape_rows
from skelgait.raw.poses.sequence_files import iter_lines
from skelgait.skeletons import known_joint_counts
from skelgait.storage.arrays import read_pickled
from skelgait.storage.frame_names import read_frame_names

_EXPECTED = "poses (T, V, 3), or rows (T, 51) or (T, 53), or a list of frames"
_HINT = "pass the folder of the poses, or select the pose files with --pattern"
MAPPING = "mapping.txt"
# Pose files of datasets that have other pickles in the same folders.
_KNOWN_PATTERNS = tuple(dataset.pose_pattern for dataset in DATASETS.values() if dataset.pose_pattern != "*.pkl")


class PickleFolder(NamedTuple):
    """Location of a sequence: folder, and names of the files that may be its poses."""

    path: Path
    names: tuple[str, ...]


@dataclass(frozen=True)
class Pickles:
    """Layout with one pickle per sequence."""

    name: str = "pickles"
    title: str = "one pickle per sequence, as in CCPG, CASIA-B-Pose, SUSTech1K and GREW"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        pickles = [path for path in sample if path.suffix == ".pkl"]
        known = [path for path in pickles if any(path.match(pattern) for pattern in _KNOWN_PATTERNS)]
        siblings = [path for path in pickles if path.parent == pickles[0].parent]
        return any(map(_has_poses, known[:1] or siblings))

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, PickleFolder]:
        """See `Layout.find`."""
        if root.is_file():
            return {(root.stem,): PickleFolder(root.parent, (root.name,))}
        for glob in (pattern,) if pattern else (*_KNOWN_PATTERNS, "*.pkl"):
            locations = {
                folder.parts: PickleFolder(folder.path, tuple(folder.names)) for folder in walk_folders(root, glob)
            }
            if locations:
                break
        return locations

    def files(self, location: PickleFolder) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path / name for name in location.names]

    def read(self, location: PickleFolder) -> Detections:
        """See `Layout.read`."""
        path = _pose_file(location)
        content = read_pickled(path, _EXPECTED)
        frames = [[Detection(person) for person in people] for people in _frames(content, path)]
        names = read_frame_names(path, len(frames)) or _mapped_frames(path, len(frames))
        is_array = isinstance(content, np.ndarray) and content.dtype != object
        return Detections(path, frames, names, is_one_person=is_array)


PICKLES = Pickles()


def _pose_file(location: PickleFolder) -> Path:
    """Return the only file of a folder that contains poses."""
    files = [location.path / name for name in location.names]
    if len(files) > 1:
        files = [path for path in files if _has_poses(path)]
    if len(files) != 1:
        found = f"{len(files)} pose files among {', '.join(location.names)}"
        raise DataError(location.path, found, "1", "select the pose file with --pattern")
    return files[0]


def why_no_poses(path: Path) -> str:
    """Describe the content of a pickle without poses; return an empty string if it has poses."""
    try:
        _frames(read_pickled(path, _EXPECTED), path)
    except DataError as error:
        return error.found
    return ""


def _has_poses(path: Path) -> bool:
    return not why_no_poses(path)


def _frames(content: Any, path: Path) -> list[NDArray[Any]]:
    """Return people (M, V, 3) of each frame, from one array or from a list with one item per frame."""
    if isinstance(content, np.ndarray) and content.dtype.kind in "fiu":
        return list(_parse_array(content, path)[:, None])
    if isinstance(content, list | tuple) or (isinstance(content, np.ndarray) and content.dtype == object):
        return [parse_people(frame, path) for frame in content]
    raise ShapeError(path, f"a {type(content).__name__}", _EXPECTED, _HINT)


def _parse_array(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Convert rows, or joints with or without confidence, of one person to (T, V, 3)."""
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if array.ndim == 2:
        return reshape_rows(array, path)
    if array.ndim == 3 and array.shape[2] in (2, 3) and array.shape[1] in known_joint_counts():
        return array
    raise ShapeError(path, f"an array {array.shape} of {array.dtype}{resemblance(array)}", _EXPECTED, _HINT)


def _mapped_frames(path: Path, length: int) -> list[str] | None:
    """Return the frame names from mapping.txt of CASIA-B-Pose: the last number of each line.

    Raises:
        DataError: if the number of lines is not the number of frames, or a line has no number.
    """
    mapping = path.with_name(MAPPING)
    if not mapping.is_file():
        return None
    with reading(mapping, "lines with a frame number", "fix the file, or remove it"):
        lines = [line for line in iter_lines(mapping, "utf-8", "replace") if line.strip()]
    names = [re.findall(r"\d+", Path(line.strip()).stem)[-1:] for line in lines]
    if len(names) != length or not all(names):
        found = f"{len(lines)} lines, {sum(map(bool, names))} of them with a number"
        hint = "fix the file, or remove it; without it, poses cannot be matched by frame"
        raise DataError(mapping, found, f"{length} lines with a frame number, one per pose", hint)
    return [name for (name,) in names]
