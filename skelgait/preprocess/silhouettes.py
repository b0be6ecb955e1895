"""Aligned silhouettes out of a tree of PNG images."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.align import align_silhouette
from skelgait.preprocess.build import BuildReport, Destination, Loaded, Output, build_dataset
from skelgait.raw.silhouettes.folders import ImageFolders
from skelgait.raw.silhouettes.png import read_silhouette
from skelgait.runtime.cores import usable_cores
from skelgait.settings.schema import SilhouettesSettings
from skelgait.storage import Key
from skelgait.storage.metadata import DatasetMetadata

# Settings that say how the work is done, and nothing of what comes out.
_HOW = {"workers", "overwrite"}
# Folders that only GREW has, as it comes and as its users rearrange it.
_GREW = re.compile(r".*/(train/\d{5}|test/gallery/\d{5}|test/probe|\d{5}train/00|probe/03)/[^/]+")


def align_dataset(
    images: ImageFolders,
    out: Path,
    settings: SilhouettesSettings,
    advance: Callable[[int], None] = lambda _: None,
) -> BuildReport:
    """Align the silhouettes of every sequence in `images` into `out`, see `skelgait.preprocess.build.build_dataset`.

    Images of GREW that have the size asked for are aligned already: they stay as they are, all of them.

    Args:
        images: the images.
        out: folder of the silhouettes, a pickle tree or HDF5 parts by `settings.storage`.
        settings: how large they are to be, and how to write them.
        advance: told how many sequences have been dealt with since the last call.

    Returns:
        What became of them, with the frames of each sequence, and as `empty` how many more, left out, were empty.

    Raises:
        SettingsError: `out` holds other silhouettes, or is the folder of the images.
        DataError: `out` cannot be written, or another run writes there; what was written before stays.
    """
    if out.resolve() == images.path.resolve():
        raise SettingsError(out, "the folder of the images", "another one", "name another folder with --silhouettes")
    unused = {"compression"} if settings.storage == "pkl" else set()
    metadata = DatasetMetadata(str(images.path.resolve()), settings.model_dump(mode="json", exclude=_HOW | unused))
    return build_dataset(
        _Aligning(images, settings.size_px, _is_grew(images)),
        Destination(out, "silhouette", metadata, settings.storage, settings.compression, flag="--silhouettes"),
        workers=settings.workers or usable_cores(),
        overwrite=settings.overwrite,
        advance=advance,
    )


def _is_grew(images: ImageFolders) -> bool:
    return any(_GREW.fullmatch(images.folder(key).absolute().as_posix()) for key in images.keys)


@dataclass(frozen=True)
class _Aligning:
    """A `Recipe`: aligned silhouettes; how many there are is known only when they are."""

    images: ImageFolders
    size_px: int
    is_grew: bool

    @property
    def keys(self) -> Sequence[Key]:
        return self.images.keys

    def modified_ns(self, key: Key) -> int:
        return self.images.modified_ns(key)

    def read(self, key: Key) -> Loaded:
        folder, files = self.images.folder(key), self.images.files(key)
        frames = [(path.stem, self._align(read_silhouette(path))) for path in files]
        aligned = [(name, frame) for name, frame in frames if frame is not None]
        if not aligned:
            found = f"{len(files)} images, all of them empty"
            raise DataError(folder, found, "a silhouette", "cut people out of the video again, or remove the folder")
        made = Output(np.stack([frame for _, frame in aligned]), {"empty": len(frames) - len(aligned)})
        return Loaded(made, len(aligned), [name for name, _ in aligned])

    def make(self, loaded: Loaded) -> Output:
        made: Output = loaded.content
        return made

    def _align(self, image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        if self.is_grew and image.shape == (self.size_px, self.size_px):
            return image
        return align_silhouette(image, self.size_px)
