"""COCO keypoints: JSON files of annotations or results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.natural_sort import natural_sort
from skelgait.raw.poses.joints import parse_person, stack_people
from skelgait.raw.poses.json_files import read_json
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.sequence_files import (
    cache_last_file,
    find_in_files,
    frame_name,
    is_empty_list,
    read_head,
    split_path,
)
from skelgait.raw.poses.tracks import parse_track_ids

_EXPECTED = 'an object {"images": [...], "annotations": [...]}, or a list of {"image_id": n, "keypoints": [...]}'
_HINT = "export the keypoints again, or pass another --layout"

Annotation = dict[str, Any]


class Keypoints(NamedTuple):
    """Location of a sequence: keypoint file, and the folders of its images as written in the file."""

    path: Path
    folders: PathParts


class _Annotations(NamedTuple):
    """Content of a keypoint file.

    Attributes:
        images: annotations of each image, by the folders and then the name of the image.
        are_flags: True if the third value of the joints is a visibility flag and not a confidence.
    """

    images: Mapping[PathParts, Mapping[str, list[Annotation]]]
    are_flags: bool


@dataclass(frozen=True)
class Coco:
    """Layout of COCO keypoints: one file per video, or one file with one folder of images per sequence."""

    name: str = "coco"
    title: str = "COCO keypoints, annotations or results, one JSON file per video or dataset"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = (path for path in sample if path.suffix.lower() == ".json")
        first = next((path for path in files if not is_empty_list(path)), None)
        try:
            return first is not None and bool(_annotations(first).images)
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Keypoints]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.json", _find_in_folder)

    def files(self, location: Keypoints) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: Keypoints) -> RawSequence:
        """See `Layout.read`."""
        path, folders = location
        annotations = _annotations(path)
        images = annotations.images.get(folders)
        if images is None:
            expected = f"keypoints of images in {'/'.join(folders) or 'no folder'}"
            raise DataError(path, "no such images", expected, _HINT)
        names = natural_sort(images)
        frames = [_people(images[name], annotations.are_flags, path) for name in names]
        return RawSequence(
            [stack_people([joints for joints, _ in people], path) for people in frames],
            [frame_name(name) for name in names],
            parse_track_ids([[track for _, track in people] for people in frames]),
        )


COCO = Coco()


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Keypoints]]:
    for name in folder.names:
        path = folder.path / name
        for folders in _folders_of_images(path):
            yield folders or (path.stem,), Keypoints(path, folders)


def _folders_of_images(path: Path) -> Iterable[PathParts]:
    """Return the folders of the images in a file: () if the images have no folder, empty if there are no people.

    Results have no folders, so they are not read here.
    """
    if read_head(path).lstrip().startswith(b"[") and not is_empty_list(path):
        return [()]
    return _annotations(path).images


@cache_last_file
def _annotations(path: Path) -> _Annotations:
    content = read_json(path)
    if isinstance(content, list):
        people = _listed(content, path)
        names: dict[int, PathParts] = {_id(person, "image_id", path): (str(person["image_id"]),) for person in people}
    elif isinstance(content, dict):
        people = _listed(content.get("annotations"), path)
        images = _listed(content.get("images"), path)
        names = {_id(image, "id", path): split_path(image.get("file_name"), path) for image in images}
    else:
        raise DataError(path, "other content", _EXPECTED, _HINT)
    # Annotations of other categories have no keypoints.
    people = [person for person in people if "keypoints" in person]
    return _Annotations(_by_image(people, names, path) if people else {}, _are_flags(people))


def _listed(values: Any, path: Path) -> list[Annotation]:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    return values


def _id(annotation: Annotation, name: str, path: Path) -> Any:
    if not isinstance(annotation.get(name), int):
        raise DataError(path, f"the {name} {annotation.get(name)!r:.80}", "an integer", _HINT)
    return annotation[name]


def _by_image(
    people: Iterable[Annotation], names: Mapping[int, PathParts], path: Path
) -> dict[PathParts, dict[str, list[Annotation]]]:
    images: dict[PathParts, dict[str, list[Annotation]]] = {}
    for *folders, name in names.values():
        images.setdefault(tuple(folders), {}).setdefault(name, [])
    for person in people:
        image = _id(person, "image_id", path)
        if image not in names:
            raise DataError(path, f"an annotation of image {image}", "only ids from its list of images", _HINT)
        *folders, name = names[image]
        images[tuple(folders)][name].append(person)
    return images


def _are_flags(people: Iterable[Annotation]) -> bool:
    rows = (person["keypoints"] for person in people)
    return all(value in (0, 1, 2) for row in rows if isinstance(row, list) for value in row[2::3])


def _people(annotations: Iterable[Annotation], are_flags: bool, path: Path) -> list[tuple[NDArray[Any], Any]]:
    """Return the joints (V, 3) and the track id, if any, of each person with at least one joint."""
    people = []
    for annotation in annotations:
        if annotation.get("num_keypoints") == 0:
            continue
        joints = parse_person(annotation["keypoints"], path)
        if are_flags:
            # Unlabeled joints may still have coordinates.
            is_seen = joints[:, 2:] > 0
            joints = np.where(is_seen, joints, 0)
            joints[:, 2:] = is_seen
        if joints[:, 2].any():
            people.append((joints, annotation.get("track_id")))
    return people
