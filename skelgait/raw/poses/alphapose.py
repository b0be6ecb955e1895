"""AlphaPose's results: JSON files that list everybody found in the images of a video."""

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

# AlphaPose names its results so in the folder that it is told to write to; what else is there are by-products.
_RESULTS = "alphapose-results.json"
_EXPECTED = 'a list of {"image_id": the name of an image, "keypoints": [...]}'
_HINT = "export the poses again, or name another --layout"
_IMAGE = re.compile(rb'"image_id"\s*:\s*"([^"]*)"')


class Results(NamedTuple):
    """A file of results, and the folders of the sequence's images, as it names them."""

    path: Path
    folders: PathParts


@dataclass(frozen=True)
class AlphaPose:
    """A `Layout`: AlphaPose's results, a file a video; where it names the folders of images, a sequence a folder."""

    name: str = "alphapose"
    title: str = "AlphaPose's results, a JSON file a video"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        files = [path for path in sample if path.suffix.lower() == ".json"]
        named = [path for path in files if path.name == _RESULTS]
        first = next((path for path in named or files if not is_empty_list(path)), None)
        try:
            return first is not None and _first_image(first) is not None and bool(_images(first))
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Results]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.json", _inside)

    def files(self, place: Results) -> Sequence[Path]:
        """See `Layout.files`."""
        return [place.path]

    def read(self, place: Results) -> RawSequence:
        """See `Layout.read`."""
        path, folders = place
        images = _images(path).get(folders)
        if images is None:
            expected = f"keypoints of images in {'/'.join(folders) or 'no folder'}"
            raise DataError(path, "none", expected, _HINT)
        names = natural_sort(images)
        frames = [images[name] for name in names]
        return RawSequence(
            [stack_people([parse_person(one["keypoints"], path) for one in frame], path) for frame in frames],
            [frame_name(name) for name in names],
            parse_track_ids([[_track(one) for one in frame] for frame in frames]),
        )


ALPHAPOSE = AlphaPose()


def _inside(folder: Folder) -> Iterator[tuple[PathParts, Results]]:
    for name in [_RESULTS] if _RESULTS in folder.names else folder.names:
        path = folder.path / name
        own: PathParts = () if name == _RESULTS else (path.stem,)
        for folders in _folders_of_images(path):
            yield folders or own, Results(path, folders)


def _folders_of_images(path: Path) -> Iterable[PathParts]:
    """The folders that a file's images are in, () where they are in none; nothing where there is no image.

    Most files name none, and the first image tells, so that a dataset with a file a video need not be read twice. A
    file that cannot be read counts as a sequence: reading that tells what is wrong.
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
    """Everybody in each image, by the names of the image's folders and then of itself."""
    content = read_json(path)
    if not isinstance(content, list) or not all(map(_is_somebody, content)):
        raise DataError(path, "something else", _EXPECTED, _HINT)
    images: dict[PathParts, dict[str, list[dict[str, Any]]]] = {}
    for one in content:
        *folders, name = split_path(one["image_id"], path)
        images.setdefault(tuple(folders), {}).setdefault(name, []).append(one)
    if () in images and len(images) > 1:
        raise DataError(path, "some images in folders and some in none", "all in folders, or all in none", _HINT)
    return images


def _is_somebody(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("image_id"), str) and "keypoints" in one


def _track(one: dict[str, Any]) -> Any:
    """The number that AlphaPose gives somebody; some of its versions put it in a list."""
    idx = one.get("idx")
    return idx[0] if isinstance(idx, list) and idx else idx
