"""PYSKL's and MMAction2's pickles of annotations: all sequences of a dataset in one file."""

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
from skelgait.raw.poses.joints import add_confidence
from skelgait.raw.poses.layout import RawSequence
from skelgait.raw.poses.sequence_files import cache_last_file, find_in_files, split_path
from skelgait.storage.arrays import read_pickled

_EXPECTED = "a list of annotations, each with frame_dir and keypoint, or a dictionary with such a list"
_HINT = "export the annotations again, or name another --layout"

Annotation = dict[str, Any]


class Annotated(NamedTuple):
    """A file of annotations, and the frame_dir of a sequence in it."""

    path: Path
    frame_dir: PathParts


@dataclass(frozen=True)
class Pyskl:
    """A `Layout`: PYSKL's annotations, a pickle a dataset."""

    name: str = "pyskl"
    title: str = "PYSKL's or MMAction2's annotations, a pickle a dataset"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        first = next((path for path in sample if path.suffix.lower() == ".pkl"), None)
        try:
            return first is not None and bool(_annotations(first))
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Annotated]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.pkl", _inside)

    def files(self, place: Annotated) -> Sequence[Path]:
        """See `Layout.files`."""
        return [place.path]

    def read(self, place: Annotated) -> RawSequence:
        """See `Layout.read`.

        A person's place in the arrays is the track, and somebody whose joints are all 0, 0 in a frame is not there.
        """
        path, frame_dir = place
        annotation = _annotations(path).get(frame_dir)
        if annotation is None:
            raise DataError(path, f"no {'/'.join(frame_dir)} any more", "what was in it before", "try again")
        joints = _joints(annotation, path)
        is_there = (joints[..., :2] != 0).any(axis=(2, 3))
        frames = range(joints.shape[1])
        return RawSequence(
            [joints[is_there[:, t], t] for t in frames],
            tracks=[np.flatnonzero(is_there[:, t]).tolist() for t in frames],
        )


PYSKL = Pyskl()


def _inside(folder: Folder) -> Iterator[tuple[PathParts, Annotated]]:
    for name in folder.names:
        path = folder.path / name
        yield from ((frame_dir, Annotated(path, frame_dir)) for frame_dir in _annotations(path))


@cache_last_file
def _annotations(path: Path) -> dict[PathParts, Annotation]:
    """Annotations by frame_dir."""
    content = read_pickled(path, _EXPECTED)
    listed = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(listed, list) or not all(isinstance(one, dict) and "keypoint" in one for one in listed):
        raise DataError(path, "something else", _EXPECTED, _HINT)
    annotations: dict[PathParts, Annotation] = {}
    for one in listed:
        frame_dir = split_path(one.get("frame_dir"), path)
        if frame_dir in annotations:
            raise DataError(path, f"{'/'.join(frame_dir)} twice", "each frame_dir once", _HINT)
        annotations[frame_dir] = one
    return annotations


def _joints(annotation: Annotation, path: Path) -> NDArray[Any]:
    """(M, T, V, 3) of an annotation, with scores where they are given."""
    joints, scores = _floats(annotation["keypoint"], path), annotation.get("keypoint_score")
    if joints.ndim != 4 or joints.shape[3] not in (2, 3):
        raise ShapeError(path, f"keypoint of shape {joints.shape}", "(M, T, V, 2 or 3)", _HINT)
    if scores is None:
        return add_confidence(joints, path)
    scores = _floats(scores, path)
    if joints.shape != (*scores.shape, 2):
        found = f"keypoint of shape {joints.shape} and keypoint_score of shape {scores.shape}"
        raise ShapeError(path, found, "(M, T, V, 2) and (M, T, V)", "export 2D poses")
    return np.concatenate([joints, scores[..., None]], axis=3)


def _floats(array: Any, path: Path) -> NDArray[Any]:
    """Numbers as float32, or as the larger type of float that they have."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
        raise ShapeError(path, f"{kind} for joints", "an array of numbers", _HINT)
    return array.astype(np.result_type(array.dtype, np.float32))
