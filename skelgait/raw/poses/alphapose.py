"""AlphaPose results: JSON files with a list of the people in the images of a video."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.alphapose_file import (
    is_image,
    is_listed,
    is_result,
    people_of_items,
    read_alphapose,
    spans_of_folders,
)
from skelgait.raw.poses.detections import Detections
from skelgait.raw.poses.json_files import any_json
from skelgait.raw.poses.json_parts import is_large, read_spans
from skelgait.raw.poses.json_stream import Span
from skelgait.raw.poses.sequence_files import find_in_files, read_head

# Default file name of AlphaPose; other files in the same folder are by-products.
_RESULTS = "alphapose-results.json"
_IMAGE = re.compile(rb'"image_id"\s*:\s*"([^"]*)"')


class Results(NamedTuple):
    """Location of a sequence: result file, the folders of its images, and its places in a large file."""

    path: Path
    folders: PathParts
    spans: Sequence[Span] | None = None


@dataclass(frozen=True)
class AlphaPose:
    """Layout of people who name their images: one file per video, or one file with one folder of images per sequence.

    Attributes:
        name: name in `--layout`.
        title: short description for messages.
        is_content: function that tells from the content of a file, or the beginning of it, if it has this layout.
    """

    name: str
    title: str
    is_content: Callable[[Any], bool]

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        results = [path for path in sample if path.name == _RESULTS]
        return any_json(results or sample, self.is_content)

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Results]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.json", _find_in_folder)

    def files(self, location: Results) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: Results) -> Detections:
        """See `Layout.read`."""
        path, folders, spans = location
        people = read_alphapose(path) if spans is None else people_of_items(read_spans(path, spans), path)
        return people.detections(path, folders)


def _is_alphapose(content: Any) -> bool:
    """Return True for people whose `image_id` is a name, or for the cmu and open forms."""
    if isinstance(content, dict) and "image_id" not in content:
        values = list(content.values())
        return bool(values) and all(isinstance(value, dict) and is_image(value) for value in values)
    items = content if isinstance(content, list) else [content]
    return bool(items) and all(isinstance(item, dict) and is_result(item) for item in items)


def _is_people_list(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(p, dict) and is_listed(p) for p in content)


ALPHAPOSE = AlphaPose("alphapose", "AlphaPose results, one JSON file per video", _is_alphapose)
PEOPLE_LIST = AlphaPose("people-list", "a flat list of people with their images, one JSON file", _is_people_list)


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Results]]:
    for name in [_RESULTS] if _RESULTS in folder.names else folder.names:
        path = folder.path / name
        default: PathParts = () if name == _RESULTS else (path.stem,)
        for folders, spans in _folders_of_images(path).items():
            yield folders or default, Results(path, folders, spans)


def _folders_of_images(path: Path) -> Mapping[PathParts, Sequence[Span] | None]:
    """Return the folders of the images in a file: () if the images have no folder, empty if there is no image.

    The first image shows whether there are folders. Most files have none and are then not read here. An unreadable
    file counts as one sequence, so that reading the sequence raises the error.
    """
    match = _IMAGE.search(read_head(path))
    if match and not re.search(rb"[/\\]", match.group(1)):
        return {(): None}
    try:
        if is_large(path) and read_head(path).lstrip().startswith(b"["):
            return spans_of_folders(path)
        return dict.fromkeys(read_alphapose(path).sequences)
    except DataError:
        return {(): None}
