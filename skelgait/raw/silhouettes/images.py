"""Silhouettes in the pixels of their images, by the number of the frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.silhouettes.folders import ImageFolders, find_image_folders
from skelgait.raw.silhouettes.png import read_silhouette
from skelgait.storage import Key
from skelgait.storage.frame_names import frame_number


@dataclass(frozen=True)
class SilhouetteImages:
    """The silhouettes of a dataset, as they lie in its images; can be pickled.

    Attributes:
        folders: where they lie.
    """

    folders: ImageFolders

    def frames(self, key: Key) -> Mapping[int, NDArray[np.uint8]]:
        """The silhouettes of a sequence by the number of the frame, (H, W) in 0 to 255; empty where there are none.

        An image is read when it is asked for, and again when it is asked for again; a DataError names one that cannot
        be read. Images without a number in their names are left out.

        Raises:
            DataError: the folder cannot be read, or two images are of one frame.
        """
        return _Frames(_by_number(self.folders.files(key)) if key in self.folders.folders else {})


def find_silhouette_images(root: Path, names: str | None = None) -> SilhouetteImages:
    """Find the silhouettes in a tree of PNG images, see `find_image_folders`."""
    return SilhouetteImages(find_image_folders(root, names))


class _Frames(Mapping[int, NDArray[np.uint8]]):
    def __init__(self, files: Mapping[int, Path]) -> None:
        self._files = files

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        return read_silhouette(self._files[number])

    def __contains__(self, number: object) -> bool:
        return number in self._files

    def __iter__(self) -> Iterator[int]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _by_number(files: Sequence[Path]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in files:
        number = frame_number(path.stem)
        if number is None:
            continue
        if number in found:
            both = f"{found[number].name} and {path.name}, both of frame {number}"
            raise DataError(path.parent, both, "one image a frame", "leave one of them")
        found[number] = path
    return found
