"""MMPose predictions: one JSON file per video, or a folder with one JSON file per image."""

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
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.sequence_files import find_in_files, is_empty_list, read_head
from skelgait.raw.poses.tracks import parse_track_ids

_EXPECTED = 'a list of {"frame_id": n, "instances": [...]}, or of instances, each with keypoints and their scores'
_HINT = "export the predictions again, or pass another --layout"
# A sequence in a file with one of these names takes the name of its folder, if the folder has no other file.
_DEFAULT_NAMES = ("results*.json", "predictions.json")
# The first of these keys in a file distinguishes the frames of a video from the people in an image.
_FIRST_KEY = re.compile(rb'"(instances|keypoints)"\s*:')

Entries = list[dict[str, Any]]


class Predictions(NamedTuple):
    """Location of a sequence: the file of a video or image; or a folder of image files, with their glob pattern."""

    path: Path
    pattern: str | None = None


@dataclass(frozen=True)
class MMPose:
    """Layout of predictions of the MMPose inferencer and demos, for videos or images."""

    name: str = "mmpose"
    title: str = "MMPose predictions, one JSON file per video or image"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = (path for path in sample if path.suffix.lower() == ".json")
        first = next((path for path in files if not is_empty_list(path)), None)
        if first is None or not _FIRST_KEY.search(read_head(first)):
            return False
        try:
            return _entries(first) != []
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Predictions]:
        """See `Layout.find`."""
        pattern = pattern or "*.json"
        return find_in_files(root, pattern, lambda folder: _find_in_folder(folder, pattern))

    def files(self, location: Predictions) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path] if location.pattern is None else list_files(location.path, location.pattern)

    def read(self, location: Predictions) -> RawSequence:
        """See `Layout.read`."""
        if location.pattern is None and _is_video(entries := _entries(location.path)):
            return _video(entries, location.path)
        files = self.files(location)
        return _sequence([_instances(path) for path in files], [path.stem for path in files], files)


MMPOSE = MMPose()


def _find_in_folder(folder: Folder, pattern: str) -> Iterator[tuple[PathParts, Predictions]]:
    paths = [folder.path / name for name in folder.names]
    if len(paths) > 1 and _are_images(paths):
        yield (), Predictions(folder.path, pattern)
    elif len(paths) > 1:
        yield from (((path.stem,), Predictions(path)) for path in paths)
    elif not is_empty_list(paths[0]):
        yield () if _takes_folder_name(paths[0]) else (paths[0].stem,), Predictions(paths[0])


def _are_images(paths: Sequence[Path]) -> bool:
    """Return True if each file is an image. The first file with people decides; files without people are images."""
    first = next((match for path in paths if (match := _FIRST_KEY.search(read_head(path)))), None)
    return first is None or first.group(1) == b"keypoints"


def _takes_folder_name(path: Path) -> bool:
    """Return True if the only file of a folder is an image, or has a default name."""
    match = _FIRST_KEY.search(read_head(path))
    is_image = match is not None and match.group(1) == b"keypoints"
    return is_image or any(fnmatchcase(path.name, name) for name in _DEFAULT_NAMES)


def _entries(path: Path) -> Entries:
    """Read the frames of a video, or the people in an image."""
    content = read_json(path)
    entries = content.get("instance_info") if isinstance(content, dict) else content
    if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        if all("instances" in entry for entry in entries):
            return entries
        if all("keypoints" in entry and "image_id" not in entry for entry in entries):
            return entries
    raise DataError(path, "other content", _EXPECTED, _HINT)


def _is_video(entries: Entries) -> bool:
    return any("instances" in entry for entry in entries)


def _instances(path: Path) -> Entries:
    """Read the people in an image."""
    entries = _entries(path)
    if _is_video(entries):
        raise DataError(
            path, "the frames of a video", "the people in an image", "put videos and images in different folders"
        )
    return entries


def _video(entries: Entries, path: Path) -> RawSequence:
    for frame in entries:
        if not isinstance(frame.get("frame_id"), int) or not _is_list_of_objects(frame["instances"]):
            raise DataError(path, "a frame without a number or a list of people", _EXPECTED, _HINT)
    frames = sorted(entries, key=lambda frame: frame["frame_id"])
    names = [str(frame["frame_id"]) for frame in frames]
    return _sequence([frame["instances"] for frame in frames], names, [path] * len(frames))


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _sequence(frames: Sequence[Entries], names: Sequence[str], files: Sequence[Path]) -> RawSequence:
    people = [
        stack_people([_person(instance, path) for instance in frame], path)
        for frame, path in zip(frames, files, strict=True)
    ]
    return RawSequence(
        people, names, parse_track_ids([[person.get("track_id") for person in frame] for frame in frames])
    )


def _person(instance: dict[str, Any], file: Path) -> NDArray[Any]:
    """Return the joints (V, 3) of an instance, with or without scores."""
    joints = _unnested(to_numbers(instance.get("keypoints"), file), 2)
    if joints.ndim != 2 or joints.shape[1] not in (2, 3):
        raise ShapeError(file, f"joints of shape {joints.shape}", "x and y of each joint", _HINT)
    if instance.get("keypoint_scores") is None:
        return add_confidence(joints, file)
    scores = _unnested(to_numbers(instance["keypoint_scores"], file), 1)
    if joints.shape != (*scores.shape, 2):
        found = f"joints of shape {joints.shape} and scores of shape {scores.shape}"
        raise ShapeError(file, found, "x, y and a score for each joint", "export 2D poses")
    return np.concatenate([joints, scores[:, None]], axis=1)


def _unnested(array: NDArray[Any], ndim: int) -> NDArray[Any]:
    """Return an array without the outer list of length 1 that MMPose may add."""
    return array[0] if array.ndim == ndim + 1 and len(array) == 1 else array
