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
from skelgait.raw.poses.detections import Detection, Detections
from skelgait.raw.poses.frames import FramePeople, read_frames
from skelgait.raw.poses.joints import to_numbers
from skelgait.raw.poses.json_files import any_json, read_json
from skelgait.raw.poses.named_joints import skeleton_of_metadata
from skelgait.raw.poses.sequence_files import find_in_files, is_empty_list, read_head
from skelgait.raw.poses.third_values import refuse_3d
from skelgait.skeletons import Skeleton

_EXPECTED = 'a list of {"frame_id": n, "instances": [...]}, or of instances, each with keypoints and their scores'
_HINT = "export the predictions again, or pass another --layout"
# A sequence in a file with one of these names takes the name of its folder, if the folder has no other file.
_DEFAULT_NAMES = ("results*.json", "predictions.json")
# Keys of people in the files of other programs.
_OTHER_KEYS = {"image_id", "image_name", "image_path", "frame_id", "category_id", "box", "class"}
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
        return any_json(sample, _is_mmpose)

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Predictions]:
        """See `Layout.find`."""
        pattern = pattern or "*.json"
        return find_in_files(root, pattern, lambda folder: _find_in_folder(folder, pattern))

    def files(self, location: Predictions) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path] if location.pattern is None else list_files(location.path, location.pattern)

    def read(self, location: Predictions) -> Detections:
        """See `Layout.read`."""
        if location.pattern is None:
            content = read_json(location.path)
            entries = _entries(content, location.path)
            if _is_video(entries):
                return _video(entries, _skeleton(content, location.path), location.path)
        files = self.files(location)
        images, unreadable = read_frames(location.path, files, _image)
        return Detections(
            location.path,
            [image.people for image in images],
            [path.stem for path in files],
            next((image.skeleton for image in images if image.skeleton), None),
            unreadable=unreadable,
        )


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


def _is_mmpose(content: Any) -> bool:
    """Return True for frames with instances, or for people with joints but without an image."""
    entries = content.get("instance_info") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return False
    if all("instances" in entry for entry in entries):
        return True
    return all("keypoints" in entry and not entry.keys() & _OTHER_KEYS and not _is_flat(entry) for entry in entries)


def _is_flat(entry: dict[str, Any]) -> bool:
    """Return True for the keypoints of OpenPifPaf, one list of numbers."""
    return isinstance(entry["keypoints"], list) and all(isinstance(n, int | float) for n in entry["keypoints"][:1])


def _entries(content: Any, path: Path) -> Entries:
    """Return the frames of a video, or the people in an image."""
    entries = content.get("instance_info") if isinstance(content, dict) else content
    if isinstance(entries, list) and (not entries or _is_mmpose(content)):
        return entries
    raise DataError(path, "other content", _EXPECTED, _HINT)


def _skeleton(content: Any, path: Path) -> Skeleton | None:
    return skeleton_of_metadata(content.get("meta_info"), path) if isinstance(content, dict) else None


def _is_video(entries: Entries) -> bool:
    return any("instances" in entry for entry in entries)


def _image(path: Path) -> FramePeople:
    """Read the people in an image."""
    content = read_json(path)
    entries = _entries(content, path)
    if _is_video(entries):
        hint = "put videos and images in different folders"
        raise ShapeError(path, "the frames of a video", "the people in an image", hint)
    return FramePeople([_person(entry, path) for entry in entries], _skeleton(content, path))


def _video(entries: Entries, skeleton: Skeleton | None, path: Path) -> Detections:
    for frame in entries:
        if not isinstance(frame.get("frame_id"), int) or not _is_list_of_objects(frame["instances"]):
            raise DataError(path, "a frame without a number or a list of people", _EXPECTED, _HINT)
    frames = sorted(entries, key=lambda frame: frame["frame_id"])
    return Detections(
        path,
        [[_person(instance, path) for instance in frame["instances"]] for frame in frames],
        [str(frame["frame_id"]) for frame in frames],
        skeleton,
        "confidence",
    )


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _person(instance: dict[str, Any], path: Path) -> Detection:
    """Return the joints (V, 2 or 3), the track id and the box of an instance."""
    track, box = instance.get("track_id"), _width_height(instance.get("bbox"))
    joints = _unnested(to_numbers(instance.get("keypoints"), path), 2)
    if joints.ndim != 2 or joints.shape[1] not in (2, 3):
        raise ShapeError(path, f"joints of shape {joints.shape}", "x and y of each joint", _HINT)
    if instance.get("keypoint_scores") is None:
        return Detection(joints, track, box)
    scores = _unnested(to_numbers(instance["keypoint_scores"], path), 1)
    if joints.shape == (*scores.shape, 3):
        raise refuse_3d(path, f"joints of shape {joints.shape} and scores of shape {scores.shape}")
    if joints.shape != (*scores.shape, 2):
        found = f"joints of shape {joints.shape} and scores of shape {scores.shape}"
        raise ShapeError(path, found, "x, y and a score for each joint", "export 2D poses")
    return Detection(np.concatenate([joints, scores[:, None]], axis=1), track, box)


def _width_height(box: Any) -> list[float] | None:
    """Return x, y, width and height of a box that MMPose writes as two corners."""
    corners = box[0] if isinstance(box, list) and len(box) == 1 else box
    if not isinstance(corners, list) or len(corners) < 4 or not all(isinstance(n, int | float) for n in corners):
        return None
    left, top, right, bottom = corners[:4]
    return [left, top, right - left, bottom - top]


def _unnested(array: NDArray[Any], ndim: int) -> NDArray[Any]:
    """Return an array without the outer list of length 1 that MMPose may add."""
    return array[0] if array.ndim == ndim + 1 and len(array) == 1 else array
