"""COCO keypoints: JSON files of annotations or results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.coco_file import people_of_items, read_coco, spans_of_folders
from skelgait.raw.poses.detections import Detections
from skelgait.raw.poses.json_files import any_json
from skelgait.raw.poses.json_parts import is_large, read_spans
from skelgait.raw.poses.json_stream import Span
from skelgait.raw.poses.sequence_files import find_in_files, is_empty_list, read_head


class Keypoints(NamedTuple):
    """Location of a sequence: keypoint file, the folders of its images, and its places in a large file."""

    path: Path
    folders: PathParts
    spans: Sequence[Span] | None = None


@dataclass(frozen=True)
class Coco:
    """Layout of COCO keypoints: one file per video, or one file with one folder of images per sequence."""

    name: str = "coco"
    title: str = "COCO keypoints, annotations or results, one JSON file per video or dataset"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        return any_json(sample, _is_coco)

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Keypoints]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.json", _find_in_folder)

    def files(self, location: Keypoints) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: Keypoints) -> Detections:
        """See `Layout.read`."""
        path, folders, spans = location
        people = read_coco(path) if spans is None else people_of_items(read_spans(path, spans), path, is_part=True)
        return people.detections(path, folders)


COCO = Coco()


def _is_coco(content: Any) -> bool:
    """Return True for results with numbered images, or for images and annotations with keypoints."""
    if isinstance(content, list):
        people = [item for item in content if isinstance(item, dict) and isinstance(item.get("image_id"), int)]
        return bool(people) and all("keypoints" in person for person in people)
    if not isinstance(content, dict) or not _are_objects(content.get("images")):
        return False
    if "annotations" not in content:  # of a large file, only the images are known here
        return bool(content["images"]) and "file_name" in content["images"][0]
    return _are_objects(content["annotations"]) and any("keypoints" in item for item in content["annotations"])


def _are_objects(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, dict) for value in values)


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Keypoints]]:
    for name in folder.names:
        path = folder.path / name
        for folders, spans in _folders_of_images(path).items():
            yield folders or (path.stem,), Keypoints(path, folders, spans)


def _folders_of_images(path: Path) -> Mapping[PathParts, Sequence[Span] | None]:
    """Return the folders of the images in a file: () if the images have no folder, empty if there are no people.

    Results have no folders, so they are not read here. An unreadable file counts as one sequence, so that reading the
    sequence raises the error. Of large files, the places of each sequence are returned.
    """
    if read_head(path).lstrip().startswith(b"[") and not is_empty_list(path):
        return {(): None}
    try:
        return spans_of_folders(path) if is_large(path) else dict.fromkeys(read_coco(path).sequences)
    except DataError:
        return {(): None}
