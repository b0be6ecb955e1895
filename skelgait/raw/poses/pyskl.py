"""PYSKL and MMAction2 annotations: one pickle with all sequences of a dataset."""

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
from skelgait.raw.poses.sequence_files import cache_last_file, find_in_files, split_path
from skelgait.raw.poses.third_values import refuse_3d
from skelgait.storage.arrays import read_pickled

_EXPECTED = "a list of annotations, each with frame_dir and keypoint, or a dictionary with such a list"
_HINT = "export the annotations again, or pass another --layout"

Annotation = dict[str, Any]


class Annotated(NamedTuple):
    """Location of a sequence: annotation file, and `frame_dir` of the sequence."""

    path: Path
    frame_dir: PathParts


@dataclass(frozen=True)
class Pyskl:
    """Layout of PYSKL annotations: one pickle per dataset."""

    name: str = "pyskl"
    title: str = "PYSKL or MMAction2 annotations, one pickle per dataset"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        first = next((path for path in sample if path.suffix.lower() == ".pkl"), None)
        try:
            return first is not None and bool(_annotations(first))
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Annotated]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.pkl", _find_in_folder)

    def files(self, location: Annotated) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: Annotated) -> Detections:
        """See `Layout.read`.

        The track id is the index on the axis of people. A person with all joints at (0, 0) is absent from the frame.
        """
        path, frame_dir = location
        annotation = _annotations(path).get(frame_dir)
        if annotation is None:
            raise DataError(
                path, f"that {'/'.join(frame_dir)} is missing now", "an unchanged file", "run the command again"
            )
        joints = _joints(annotation, path)
        is_present = (joints[..., :2] != 0).any(axis=(2, 3))
        frames = [
            [Detection(joints[m, t], m) for m in np.flatnonzero(is_present[:, t]).tolist()]
            for t in range(joints.shape[1])
        ]
        return Detections(path, frames, image_size=_image_size(annotation))


PYSKL = Pyskl()


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Annotated]]:
    for name in folder.names:
        path = folder.path / name
        yield from ((frame_dir, Annotated(path, frame_dir)) for frame_dir in _annotations(path))


@cache_last_file
def _annotations(path: Path) -> dict[PathParts, Annotation]:
    """Read the annotations, by `frame_dir`."""
    content = read_pickled(path, _EXPECTED)
    items = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    if items and all("frame_dir" in item and "keypoint" not in item for item in items):
        raise DataError(path, "annotations without keypoints", _EXPECTED, "export the keypoints of the annotations")
    if not all("keypoint" in item for item in items):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    annotations: dict[PathParts, Annotation] = {}
    for item in items:
        frame_dir = split_path(item.get("frame_dir"), path)
        if frame_dir in annotations:
            raise DataError(path, f"{'/'.join(frame_dir)} twice", "each frame_dir once", _HINT)
        annotations[frame_dir] = item
    return annotations


def _image_size(annotation: Annotation) -> tuple[int, int] | None:
    """Return width and height of the images; annotations have height and width."""
    shape = annotation.get("original_shape", annotation.get("img_shape"))
    if isinstance(shape, tuple | list) and len(shape) == 2 and all(isinstance(n, int) for n in shape):
        return shape[1], shape[0]
    return None


def _joints(annotation: Annotation, path: Path) -> NDArray[Any]:
    """Return the joints (M, T, V, 3) of an annotation, with or without scores."""
    joints, scores = _floats(annotation["keypoint"], path), annotation.get("keypoint_score")
    if joints.ndim != 4 or joints.shape[3] not in (2, 3):
        raise ShapeError(path, f"keypoint of shape {joints.shape}", "(M, T, V, 2 or 3)", _HINT)
    if scores is None:
        return joints
    scores = _floats(scores, path)
    if joints.shape != (*scores.shape, 2):
        if joints.shape == (*scores.shape, 3):
            raise refuse_3d(path, f"keypoint of shape {joints.shape} with scores")
        found = f"keypoint of shape {joints.shape} and keypoint_score of shape {scores.shape}"
        raise ShapeError(path, found, "(M, T, V, 2) and (M, T, V)", "export 2D poses")
    return np.concatenate([joints, scores[..., None]], axis=3)


def _floats(array: Any, path: Path) -> NDArray[Any]:
    """Convert numbers to float32, or to float64 if they need it."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
        raise ShapeError(path, f"{kind} for joints", "an array of numbers", _HINT)
    return array.astype(np.result_type(array.dtype, np.float32))
