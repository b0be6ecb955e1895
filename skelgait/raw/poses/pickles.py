"""Trees with a pickle a sequence: CCPG, CASIA-B-Pose, SUSTech1K, GREW's rows, and what OpenGait makes of datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import DATASETS
from skelgait.errors import DataError, ShapeError, resemblance
from skelgait.raw.file_tree import walk_folders
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.joints import add_confidence, parse_people, reshape_rows
from skelgait.raw.poses.layout import RawSequence
from skelgait.skeletons import known_joint_counts
from skelgait.storage.arrays import read_pickled
from skelgait.storage.frame_names import read_frame_names

_EXPECTED = "poses (T, V, 3), or rows (T, 51) or (T, 53), or a list of frames"
_HINT = "point to the folder of poses, or say with --pattern which file has them"
MAPPING = "mapping.txt"
# Files of the datasets whose folders hold more than the poses.
_KNOWN_PATTERNS = tuple(dataset.pose_pattern for dataset in DATASETS.values() if dataset.pose_pattern != "*.pkl")


class PickleFolder(NamedTuple):
    """A folder of a sequence, and those of its files that may be its poses."""

    path: Path
    names: tuple[str, ...]


@dataclass(frozen=True)
class Pickles:
    """A `Layout`: a pickle a sequence."""

    name: str = "pickles"
    title: str = "a tree with a pickle a sequence, as of CCPG, CASIA-B-Pose, SUSTech1K and GREW"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        pickles = [path for path in sample if path.suffix == ".pkl"]
        known = [path for path in pickles if any(path.match(pattern) for pattern in _KNOWN_PATTERNS)]
        beside = [path for path in pickles if path.parent == pickles[0].parent]
        return any(map(_is_poses, known[:1] or beside))

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, PickleFolder]:
        """See `Layout.find`."""
        found: dict[PathParts, PickleFolder] = {}
        for wanted in (pattern,) if pattern else (*_KNOWN_PATTERNS, "*.pkl"):
            for folder in walk_folders(root, wanted):
                found[folder.parts] = PickleFolder(folder.path, tuple(folder.names))
            if found:
                break
        return found

    def files(self, place: PickleFolder) -> Sequence[Path]:
        """See `Layout.files`."""
        return [place.path / name for name in place.names]

    def read(self, place: PickleFolder) -> RawSequence:
        """See `Layout.read`."""
        path = _the_file(place)
        people = _frames(read_pickled(path, _EXPECTED), path)
        return RawSequence(people, read_frame_names(path, len(people)) or _mapped_frames(path, len(people)))


PICKLES = Pickles()


def _the_file(place: PickleFolder) -> Path:
    """The one file of the folder that holds poses."""
    files = [place.path / name for name in place.names]
    if len(files) > 1:
        files = [path for path in files if _is_poses(path)]
    if len(files) != 1:
        found = f"{len(files)} files of poses among {', '.join(place.names)}"
        raise DataError(place.path, found, "one", "say with --pattern which file has the poses")
    return files[0]


def why_no_poses(path: Path) -> str:
    """What a pickle has instead of poses; nothing where it has poses."""
    try:
        _frames(read_pickled(path, _EXPECTED), path)
    except DataError as error:
        return error.found
    return ""


def _is_poses(path: Path) -> bool:
    return not why_no_poses(path)


def _frames(content: Any, path: Path) -> list[NDArray[Any]]:
    """For each frame (M, V, 3); from one array, or from as many objects as there are frames, each of its own shape."""
    if isinstance(content, np.ndarray) and content.dtype.kind in "fiu":
        return list(_of_one_person(content, path)[:, None])
    if isinstance(content, list | tuple) or (isinstance(content, np.ndarray) and content.dtype == object):
        return [parse_people(frame, path) for frame in content]
    raise ShapeError(path, f"a {type(content).__name__}", _EXPECTED, _HINT)


def _of_one_person(array: NDArray[Any], path: Path) -> NDArray[Any]:
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if array.ndim == 2:
        return reshape_rows(array, path)
    if array.ndim == 3 and array.shape[1] in known_joint_counts():
        return add_confidence(array, path)
    raise ShapeError(path, f"an array {array.shape} of {array.dtype}{resemblance(array)}", _EXPECTED, _HINT)


def _mapped_frames(path: Path, length: int) -> list[str] | None:
    """Names of the frames from CASIA-B-Pose's mapping.txt, whose lines each end in the number of a video frame.

    Raises:
        DataError: there are not as many lines as frames, or a line has no number.
    """
    mapping = path.with_name(MAPPING)
    if not mapping.is_file():
        return None
    lines = [line for line in mapping.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    names = [re.findall(r"\d+", Path(line.strip()).stem)[-1:] for line in lines]
    if len(names) != length or not all(names):
        found = f"{len(lines)} lines, {sum(map(bool, names))} of them with a number"
        hint = f"hint {MAPPING}, or remove it: then poses cannot be matched by frame"
        raise DataError(mapping, found, f"a line with a frame's number for each of {length} poses", hint)
    return [name for (name,) in names]
