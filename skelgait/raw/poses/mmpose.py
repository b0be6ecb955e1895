"""MMPose's predictions: a JSON file a video, or a folder with a JSON file an image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.raw.file_tree import Folder, list_files
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.joints import add_confidence, stack_people, to_numbers
from skelgait.raw.poses.json_files import read_json
from skelgait.raw.poses.layout import RawSequence
from skelgait.raw.poses.sequence_files import find_in_files, is_empty_list, read_head
from skelgait.raw.poses.tracks import parse_track_ids

_EXPECTED = 'a list of {"frame_id": n, "instances": [...]}, or of instances, each with keypoints and their scores'
_HINT = "export the predictions again, or name another --layout"
# A lone file of such a name stands for its folder.
_NAMES_OF_RESULTS = ("results*.json", "predictions.json")
# Which of these comes first tells frames of a video from people in an image.
_FIRST_WORD = re.compile(rb'"(instances|keypoints)"\s*:')

Entries = list[dict[str, Any]]


class Predictions(NamedTuple):
    """The file of a video or an image; or the folder of a sequence's images, and the pattern of their files."""

    path: Path
    pattern: str | None = None


@dataclass(frozen=True)
class MMPose:
    """A `Layout`: predictions of MMPose's inferencer and demos, for videos or for images."""

    name: str = "mmpose"
    title: str = "MMPose's predictions, a JSON file a video or an image"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = (path for path in sample if path.suffix.lower() == ".json")
        first = next((path for path in files if not is_empty_list(path)), None)
        if first is None or not _FIRST_WORD.search(read_head(first)):
            return False
        try:
            return _entries(first) != []
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Predictions]:
        """See `Layout.find`."""
        wanted = pattern or "*.json"
        return find_in_files(root, wanted, lambda folder: _inside(folder, wanted))

    def files(self, place: Predictions) -> Sequence[Path]:
        """See `Layout.files`."""
        return [place.path] if place.pattern is None else list_files(place.path, place.pattern)

    def read(self, place: Predictions) -> RawSequence:
        """See `Layout.read`."""
        if place.pattern is None and _is_video(entries := _entries(place.path)):
            return _video(entries, place.path)
        files = self.files(place)
        return _sequence([_instances(path) for path in files], [path.stem for path in files], files)


MMPOSE = MMPose()


def _inside(folder: Folder, pattern: str) -> Iterator[tuple[PathParts, Predictions]]:
    paths = [folder.path / name for name in folder.names]
    if len(paths) > 1 and _are_images(paths):
        yield (), Predictions(folder.path, pattern)
    elif len(paths) > 1:
        yield from (((path.stem,), Predictions(path)) for path in paths)
    elif not is_empty_list(paths[0]):
        yield () if _stands_for_folder(paths[0]) else (paths[0].stem,), Predictions(paths[0])


def _are_images(paths: Sequence[Path]) -> bool:
    """Whether files are an image each. The first that has somebody in it tells; images are all that may have nobody."""
    first = next((match for path in paths if (match := _FIRST_WORD.search(read_head(path)))), None)
    return first is None or first.group(1) == b"keypoints"


def _stands_for_folder(path: Path) -> bool:
    """Whether a lone file is called like any, or is the only image of a sequence."""
    match = _FIRST_WORD.search(read_head(path))
    is_image = match is not None and match.group(1) == b"keypoints"
    return is_image or any(fnmatchcase(path.name, name) for name in _NAMES_OF_RESULTS)


def _entries(path: Path) -> Entries:
    """The frames of a video, or the people in an image."""
    content = read_json(path)
    entries = content.get("instance_info") if isinstance(content, dict) else content
    if isinstance(entries, list) and all(isinstance(one, dict) for one in entries):
        if all("instances" in one for one in entries):
            return entries
        if all("keypoints" in one and "image_id" not in one for one in entries):
            return entries
    raise DataError(path, "something else", _EXPECTED, _HINT)


def _is_video(entries: Entries) -> bool:
    return any("instances" in one for one in entries)


def _instances(path: Path) -> Entries:
    """The people in an image."""
    entries = _entries(path)
    if _is_video(entries):
        raise DataError(path, "the frames of a video", "the people in an image", "keep videos and images apart")
    return entries


def _video(entries: Entries, path: Path) -> RawSequence:
    for one in entries:
        if not isinstance(one.get("frame_id"), int) or not _is_list_of_objects(one["instances"]):
            raise DataError(path, "a frame without a number, or with something else in it", _EXPECTED, _HINT)
    frames = sorted(entries, key=lambda one: one["frame_id"])
    names = [str(one["frame_id"]) for one in frames]
    return _sequence([one["instances"] for one in frames], names, [path] * len(frames))


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _sequence(frames: Sequence[Entries], names: Sequence[str], files: Sequence[Path]) -> RawSequence:
    people = [
        stack_people([_person(one, path) for one in frame], path) for frame, path in zip(frames, files, strict=True)
    ]
    return RawSequence(people, names, parse_track_ids([[one.get("track_id") for one in frame] for frame in frames]))


def _person(instance: dict[str, Any], where: Path) -> NDArray[Any]:
    """Joints (V, 3) of an instance; its scores may be missing."""
    joints = _unnested(to_numbers(instance.get("keypoints"), where), 2)
    if joints.ndim != 2 or joints.shape[1] not in (2, 3):
        raise ShapeError(where, f"joints of shape {joints.shape}", "x and y of each joint", _HINT)
    if instance.get("keypoint_scores") is None:
        return add_confidence(joints, where)
    scores = _unnested(to_numbers(instance["keypoint_scores"], where), 1)
    if joints.shape != (*scores.shape, 2):
        found = f"joints of shape {joints.shape} and scores of shape {scores.shape}"
        raise ShapeError(where, found, "x, y and a score for each joint", "export 2D poses")
    return np.concatenate([joints, scores[:, None]], axis=1)


def _unnested(array: NDArray[Any], ndim: int) -> NDArray[Any]:
    """An array, which MMPose may put in a list of one."""
    return array[0] if array.ndim == ndim + 1 and len(array) == 1 else array
