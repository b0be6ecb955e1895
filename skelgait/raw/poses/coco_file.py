"""Content of COCO keypoint files: images, annotations and categories, or a list of results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.errors import DataError
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.detections import Detection
from skelgait.raw.poses.image_people import ImagePeople
from skelgait.raw.poses.joints import parse_person
from skelgait.raw.poses.json_parts import PartBuilder, field_value
from skelgait.raw.poses.json_stream import Item, Span, iter_items, iter_spans
from skelgait.raw.poses.named_joints import is_person, skeleton_of_names
from skelgait.raw.poses.sequence_files import cache_last_file, split_path
from skelgait.skeletons import Skeleton

_EXPECTED = 'an object {"images": [...], "annotations": [...]}, or a list of {"image_id": n, "keypoints": [...]}'
_HINT = "export the keypoints again, or pass another --layout"
_FLAGS = {0, 1, 2}
_KEYS = {"images", "annotations", "categories", "info"}


class _Person(NamedTuple):
    """Person of an annotation.

    Attributes:
        image: id of the image.
        category: id of the category; None: none.
        detection: joints, track id and box.
    """

    image: int
    category: Any
    detection: Detection


@dataclass
class _Content:
    """Content of a file as it is read."""

    path: Path
    people: list[_Person] = field(default_factory=list)
    images: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    categories: dict[Any, Mapping[str, Any]] = field(default_factory=dict)
    keys: set[str | None] = field(default_factory=set)
    are_flags: bool = True

    def add(self, key: str | None, item: Any) -> None:
        """Add an item of the list with this key; None for a file that is a list of results."""
        self.keys.add(key)
        if key in (None, "annotations"):
            self._add_person(_object(item, self.path))
        elif key == "images":
            image = _object(item, self.path)
            self.images[_id(image, "id", self.path)] = image
        elif key == "categories" and isinstance(item, dict):
            self.categories[_category(item.get("id"))] = item

    def _add_person(self, entry: Mapping[str, Any]) -> None:
        """Add an annotation; those of other categories have no keypoints."""
        if "keypoints" not in entry or entry.get("num_keypoints") == 0:
            return
        joints = parse_person(entry["keypoints"], self.path)
        if not (joints[:, 2:] != 0).any() and joints.shape[1] > 2:
            return  # joints that are not labeled may still have coordinates
        if self.are_flags and joints.shape[1] > 2:
            self.are_flags = set(joints[:, 2].tolist()) <= _FLAGS
        detection = Detection(joints, entry.get("track_id"), entry.get("bbox"))
        self.people.append(_Person(_id(entry, "image_id", self.path), _category(entry.get("category_id")), detection))


@cache_last_file
def read_coco(path: Path) -> ImagePeople:
    """Read a COCO keypoint file in one pass.

    Raises:
        DataError: if it cannot be read, has other content, or has keypoints of other categories than people only.
    """
    return people_of_items(iter_items(path), path)


def spans_of_folders(path: Path) -> dict[PathParts, list[Span]]:
    """Return the places of the images and annotations of each folder, and of all categories.

    Raises:
        DataError: if the file cannot be read, or an annotation is of no image.
    """
    folders: dict[Any, PathParts] = {}
    others, categories = [], []
    for span, text in iter_spans(path):
        if span.key == "images":
            name = split_path(field_value(text, "file_name"), path)
            folders[field_value(text, "id")] = name[:-1]
            others.append((field_value(text, "id"), span))
        elif span.key == "annotations":
            others.append((field_value(text, "image_id"), span))
        elif span.key == "categories":
            categories.append(span)
    parts = PartBuilder()
    for image, span in others:
        if image not in folders:
            raise DataError(path, f"an annotation of image {image}", "only ids from its list of images", _HINT)
        parts.add(folders[image], span)
    return {name: [*categories, *spans] for name, spans in parts.spans.items()}


def people_of_items(items: Iterable[Item], path: Path, *, is_part: bool = False) -> ImagePeople:
    """Return the people in the items of a file; the images of a part of a file may have no people.

    Raises:
        DataError: if the file has other content, or keypoints of other categories than people only.
    """
    content = _Content(path)
    for key, item in items:
        content.add(key, item)
    is_list = content.keys == {None}
    people = _of_people(content)
    if not is_list and ("images" not in content.keys if people else content.keys and content.keys.isdisjoint(_KEYS)):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    if not people:
        empty = ImagePeople()
        if is_part:
            _names(content, empty)
        return empty
    skeleton, third = _skeleton(people, content), "flag" if content.are_flags else "unknown"
    result = ImagePeople(skeleton=skeleton, third=third)  # type: ignore[arg-type]
    names = {person.image: (str(person.image),) for person in people} if is_list else _names(content, result)
    for person in people:
        if person.image not in names:
            raise DataError(path, f"an annotation of image {person.image}", "only ids from its list of images", _HINT)
        result.add(names[person.image], [person.detection])
    return result


def _names(content: _Content, result: ImagePeople) -> dict[int, PathParts]:
    """Return the folders and name of each image; add all images, and their sizes, to the result."""
    names = {}
    for number, image in content.images.items():
        name = names[number] = split_path(image.get("file_name"), content.path)
        result.add(name)
        size = image.get("width"), image.get("height")
        if all(isinstance(n, int) for n in size):
            result.sizes.setdefault(name[:-1], size)  # type: ignore[arg-type]
    return names


def _of_people(content: _Content) -> list[_Person]:
    """Return the annotations of people.

    Raises:
        DataError: if there are only annotations of other categories.
    """
    others = {number for number, c in content.categories.items() if not is_person(c.get("name"))}
    people = [person for person in content.people if person.category not in others]
    if content.people and not people:
        names = ", ".join(sorted({str(content.categories[person.category].get("name")) for person in content.people}))
        found, hint = f"keypoints of {names}, which is no person", 'rename the category to "person" if it is one'
        raise DataError(content.path, found, "keypoints of people", hint)
    return people


def _skeleton(people: list[_Person], content: _Content) -> Skeleton | None:
    """Return the skeleton that the category of the first person names; None if it names none."""
    category = content.categories.get(people[0].category, {})
    names = category.get("keypoints")
    return skeleton_of_names(names, str(category.get("name")), content.path) if isinstance(names, list) else None


def _category(value: Any) -> int | str | None:
    """Return the id of a category; None if it is neither a number nor a text."""
    return value if isinstance(value, int | str) else None


def _object(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    return value


def _id(entry: Mapping[str, Any], name: str, path: Path) -> Any:
    if not isinstance(entry.get(name), int):
        raise DataError(path, f"the {name} {entry.get(name)!r:.80}", "an integer", _HINT)
    return entry[name]
