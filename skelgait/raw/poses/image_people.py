"""People of files in which each person names its image, such as those of COCO and AlphaPose."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from skelgait.errors import DataError
from skelgait.raw.keys import PathParts
from skelgait.raw.natural_sort import natural_sort
from skelgait.raw.poses.detections import Detection, Detections, Third
from skelgait.raw.poses.sequence_files import frame_name
from skelgait.skeletons import Skeleton

_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
# Sparser numbers are not those of frames.
_MIN_DENSITY = 0.05
_HINT = "export the poses again"

Images = dict[str, list[Detection]]
"""People of each image, by its name."""


@dataclass
class ImagePeople:
    """People of a file, by folder and image.

    Attributes:
        sequences: images by the folders of their paths; () for images without a folder.
        skeleton: skeleton that the file names; None: none.
        third: third value of the joints.
        sizes: width and height of the images in pixels, by their folders, if the file has them.
    """

    sequences: dict[PathParts, Images] = field(default_factory=dict)
    skeleton: Skeleton | None = None
    third: Third = "unknown"
    sizes: dict[PathParts, tuple[int, int]] = field(default_factory=dict)

    def add(self, image: PathParts, people: Iterable[Detection] = ()) -> None:
        """Add an image, given by its folders and name, and people in it."""
        self.sequences.setdefault(image[:-1], {}).setdefault(image[-1], []).extend(people)

    def detections(self, path: Path, folders: PathParts) -> Detections:
        """Return the sequence of the images in a folder.

        An image that the file leaves out between others becomes a frame without people.

        Raises:
            DataError: if there is no such image.
        """
        images = self.sequences.get(folders)
        if images is None:
            expected = f"keypoints of images in {'/'.join(folders) or 'no folder'}"
            raise DataError(path, "no such images", expected, _HINT)
        names = with_absent(natural_sort(images))
        return Detections(
            path,
            [images.get(name, []) for name in names],
            [frame_name(name) for name in names],
            self.skeleton,
            self.third,
            self.sizes.get(folders),
        )


def check_folders(folders: Collection[PathParts], path: Path) -> None:
    """Refuse a file in which some images have folders and others do not.

    Raises:
        DataError: if there are such images.
    """
    if () in folders and len(folders) > 1:
        raise DataError(path, "images with and without folders", "folders for all images or for none", _HINT)


def with_absent(names: list[str]) -> list[str]:
    """Insert the names of images that are absent between numbered images: 2.jpg between 1.jpg and 3.jpg.

    Names are unchanged if they have no numbers, or if most numbers are absent. A constant step
    between the numbers, such as 1, 6, 11, is no gap.
    """
    matches = [_NUMBER.fullmatch(name) for name in names]
    if len(names) < 2 or not all(matches):
        return names
    parts = [match.groups() for match in matches if match]
    numbers = [int(number) for _, number, _ in parts]
    steps = [b - a for a, b in pairwise(numbers)]
    step = min(steps)
    is_one_series = len({(prefix, suffix) for prefix, _, suffix in parts}) == 1
    if not is_one_series or step < 1 or any(n % step for n in steps) or sum(steps) * _MIN_DENSITY > len(names) * step:
        return names
    prefix, first, suffix = parts[0]
    present = dict(zip(numbers, names, strict=True))
    width = len(first) if first.startswith("0") or len({len(number) for _, number, _ in parts}) == 1 else 1
    return [present.get(n, f"{prefix}{n:0{width}d}{suffix}") for n in range(numbers[0], numbers[-1] + 1, step)]
