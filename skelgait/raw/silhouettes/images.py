"""Silhouettes in image coordinates, by frame number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike
from skelgait.raw.silhouettes.folders import ImageFolders, find_image_folders
from skelgait.raw.silhouettes.png import MAX_MEGAPIXELS, read_silhouette
from skelgait.storage import Key
from skelgait.storage.frame_names import frame_number


@dataclass(frozen=True)
class SilhouetteImages:
    """Silhouettes of a dataset, read from its images on demand; can be pickled.

    Attributes:
        folders: folders of the images.
        max_megapixels: maximum size of an image, see `read_silhouette`.
    """

    folders: ImageFolders
    max_megapixels: int = MAX_MEGAPIXELS

    def frames(self, key: Key) -> Mapping[int, NDArray[np.uint8]]:
        """Return the silhouettes of a sequence by frame number, (H, W) uint8 in [0, 255]; empty if there are none.

        Each access reads the image, and raises DataError if it cannot be read. Images without a number in their names
        are ignored.

        Raises:
            DataError: if the folder cannot be read, or two images have the same frame number.
        """
        files = _by_number(self.folders.files(key)) if key in self.folders.folders else {}
        return _Frames(files, self.max_megapixels)


def find_silhouette_images(
    root: PathLike, names: str | None = None, max_megapixels: int = MAX_MEGAPIXELS
) -> SilhouetteImages:
    """Find the silhouettes in a tree of PNG images, see `find_image_folders` and `read_silhouette`."""
    return SilhouetteImages(find_image_folders(root, names), max_megapixels)


class _Frames(Mapping[int, NDArray[np.uint8]]):
    def __init__(self, files: Mapping[int, Path], max_megapixels: int) -> None:
        self._files = files
        self._max_megapixels = max_megapixels

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        return read_silhouette(self._files[number], self._max_megapixels)

    def __contains__(self, number: object) -> bool:
        return number in self._files

    def __iter__(self) -> Iterator[int]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _by_number(files: Sequence[Path]) -> dict[int, Path]:
    frames: dict[int, Path] = {}
    for path in files:
        number = frame_number(path.stem)
        if number is None:
            continue
        if number in frames:
            found = f"{frames[number].name} and {path.name}, both of frame {number}"
            raise DataError(path.parent, found, "one image per frame", "remove one of them")
        frames[number] = path
    return frames
