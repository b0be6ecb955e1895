"""COCO's JSON files of keypoints: annotations of images, and results."""

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
from skelgait.raw.poses.layout import RawSequence
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
_HINT = "export the keypoints again, or name another --layout"

Annotation = dict[str, Any]


class Keypoints(NamedTuple):
    """A file of keypoints, and the folders of the sequence's images, as it names them."""

    path: Path
    folders: PathParts


class _Annotations(NamedTuple):
    """What is in a file.

    Attributes:
        images: the people in each image, by the names of the image's folders and then of itself.
        are_flags: whether joints come with flags of how visible they are, not with confidence.
    """

    images: Mapping[PathParts, Mapping[str, list[Annotation]]]
    are_flags: bool


@dataclass(frozen=True)
class Coco:
    """A `Layout`: COCO's keypoints, a file a video; where images are in folders, a sequence a folder."""

    name: str = "coco"
    title: str = "COCO's keypoints, annotations or results, a JSON file a video or dataset"

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
        return find_in_files(root, pattern or "*.json", _inside)

    def files(self, place: Keypoints) -> Sequence[Path]:
        """See `Layout.files`."""
        return [place.path]

    def read(self, place: Keypoints) -> RawSequence:
        """See `Layout.read`."""
        path, folders = place
        annotations = _annotations(path)
        images = annotations.images.get(folders)
        if images is None:
            expected = f"keypoints of images in {'/'.join(folders) or 'no folder'}"
            raise DataError(path, "none", expected, _HINT)
        names = natural_sort(images)
        frames = [_people(images[name], annotations.are_flags, path) for name in names]
        return RawSequence(
            [stack_people([joints for joints, _ in people], path) for people in frames],
            [frame_name(name) for name in names],
            parse_track_ids([[track for _, track in people] for people in frames]),
        )


COCO = Coco()


def _inside(folder: Folder) -> Iterator[tuple[PathParts, Keypoints]]:
    for name in folder.names:
        path = folder.path / name
        for folders in _folders_of_images(path):
            yield folders or (path.stem,), Keypoints(path, folders)


def _folders_of_images(path: Path) -> Iterable[PathParts]:
    """The folders that a file's images are in, () where they are in none; nothing where there is nobody in them.

    Results name no folders, so that they need not be read for that.
    """
    if read_head(path).lstrip().startswith(b"[") and not is_empty_list(path):
        return [()]
    return _annotations(path).images


@cache_last_file
def _annotations(path: Path) -> _Annotations:
    content = read_json(path)
    if isinstance(content, list):
        people = _listed(content, path)
        names: dict[int, PathParts] = {_id(one, "image_id", path): (str(one["image_id"]),) for one in people}
    elif isinstance(content, dict):
        people = _listed(content.get("annotations"), path)
        listed = _listed(content.get("images"), path)
        names = {_id(image, "id", path): split_path(image.get("file_name"), path) for image in listed}
    else:
        raise DataError(path, "something else", _EXPECTED, _HINT)
    # Of other things than people there are only boxes and outlines.
    people = [one for one in people if "keypoints" in one]
    return _Annotations(_by_image(people, names, path) if people else {}, _are_flags(people))


def _listed(values: Any, path: Path) -> list[Annotation]:
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise DataError(path, "something else", _EXPECTED, _HINT)
    return values


def _id(one: Annotation, name: str, path: Path) -> Any:
    if not isinstance(one.get(name), int):
        raise DataError(path, f"the {name} {one.get(name)!r:.80}", "a whole number", _HINT)
    return one[name]


def _by_image(
    people: Iterable[Annotation], names: Mapping[int, PathParts], path: Path
) -> dict[PathParts, dict[str, list[Annotation]]]:
    images: dict[PathParts, dict[str, list[Annotation]]] = {}
    for *folders, name in names.values():
        images.setdefault(tuple(folders), {}).setdefault(name, [])
    for one in people:
        image = _id(one, "image_id", path)
        if image not in names:
            raise DataError(path, f"an annotation of the image {image}", "only images in its list of images", _HINT)
        *folders, name = names[image]
        images[tuple(folders)][name].append(one)
    return images


def _are_flags(people: Iterable[Annotation]) -> bool:
    rows = (one["keypoints"] for one in people)
    return all(value in (0, 1, 2) for row in rows if isinstance(row, list) for value in row[2::3])


def _people(annotations: Iterable[Annotation], are_flags: bool, path: Path) -> list[tuple[NDArray[Any], Any]]:
    """Joints (V, 3) of everybody in an image with a joint in it, and the number of the track, if there is one."""
    people = []
    for one in annotations:
        if one.get("num_keypoints") == 0:
            continue
        joints = parse_person(one["keypoints"], path)
        if are_flags:
            # Joints that are not in the image may come with coordinates.
            is_seen = joints[:, 2:] > 0
            joints = np.where(is_seen, joints, 0)
            joints[:, 2:] = is_seen
        if joints[:, 2].any():
            people.append((joints, one.get("track_id")))
    return people
