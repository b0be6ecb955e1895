"""AlphaPose results: JSON files with a list of the people in the images of a video."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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

# Default file name of AlphaPose; other files in the same folder are by-products.
_RESULTS = "alphapose-results.json"
_EXPECTED = 'a list of {"image_id": "<image name>", "keypoints": [...]}'
_HINT = "export the poses again, or pass another --layout"
_IMAGE = re.compile(rb'"image_id"\s*:\s*"([^"]*)"')


class Results(NamedTuple):
    """Location of a sequence: result file, and the folders of its images as written in the file."""

    path: Path
    folders: PathParts


@dataclass(frozen=True)
class AlphaPose:
    """Layout of AlphaPose results: one file per video, or one file with one folder of images per sequence."""

    name: str = "alphapose"
    title: str = "AlphaPose results, one JSON file per video"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = [path for path in sample if path.suffix.lower() == ".json"]
        results = [path for path in files if path.name == _RESULTS]
        first = next((path for path in results or files if not is_empty_list(path)), None)
        try:
            return first is not None and _first_image(first) is not None and bool(_images(first))
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Results]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.json", _find_in_folder)

    def files(self, location: Results) -> Sequence[Path]:
        """See `Layout.files`."""
        return [location.path]

    def read(self, location: Results) -> RawSequence:
        """See `Layout.read`."""
        path, folders = location
        images = _images(path).get(folders)
        if images is None:
            expected = f"keypoints of images in {'/'.join(folders) or 'no folder'}"
            raise DataError(path, "no such images", expected, _HINT)
        names = natural_sort(images)
        frames = [images[name] for name in names]
        return RawSequence(
            [stack_people([parse_person(result["keypoints"], path) for result in frame], path) for frame in frames],
            [frame_name(name) for name in names],
            parse_track_ids([[_track_id(result) for result in frame] for frame in frames]),
        )


ALPHAPOSE = AlphaPose()


def _find_in_folder(folder: Folder) -> Iterator[tuple[PathParts, Results]]:
    for name in [_RESULTS] if _RESULTS in folder.names else folder.names:
        path = folder.path / name
        default: PathParts = () if name == _RESULTS else (path.stem,)
        for folders in _folders_of_images(path):
            yield folders or default, Results(path, folders)


def _folders_of_images(path: Path) -> Iterable[PathParts]:
    """Return the folders of the images in a file: () if the images have no folder, empty if there is no image.

    The first image shows whether there are folders. Most files have none and are then not read here. An unreadable
    file counts as one sequence, so that reading the sequence raises the error.
    """
    first = _first_image(path)
    if first and not re.search(rb"[/\\]", first):
        return [()]
    try:
        return _images(path)
    except DataError:
        return [()]


def _first_image(path: Path) -> bytes | None:
    match = _IMAGE.search(read_head(path))
    return match and match.group(1)


@cache_last_file
def _images(path: Path) -> dict[PathParts, dict[str, list[dict[str, Any]]]]:
    """Return the results of each image, by the folders and then the name of the image."""
    content = read_json(path)
    if not isinstance(content, list) or not all(map(_is_result, content)):
        raise DataError(path, "other content", _EXPECTED, _HINT)
    images: dict[PathParts, dict[str, list[dict[str, Any]]]] = {}
    for result in content:
        *folders, name = split_path(result["image_id"], path)
        images.setdefault(tuple(folders), {}).setdefault(name, []).append(result)
    if () in images and len(images) > 1:
        raise DataError(path, "images with and without folders", "folders for all images or for none", _HINT)
    return images


def _is_result(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("image_id"), str) and "keypoints" in value


def _track_id(result: dict[str, Any]) -> Any:
    """Return the track id of a person, which some versions of AlphaPose put in a list."""
    idx = result.get("idx")
    return idx[0] if isinstance(idx, list) and idx else idx
