"""Aligned silhouettes of a whole dataset of PNG images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.preprocess.align import align_silhouette
from skelgait.preprocess.build import Destination, build_dataset, recorded_settings
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.recipe import Loaded, Output, Recipe
from skelgait.raw.silhouettes.folders import ImageFolders
from skelgait.raw.silhouettes.png import read_silhouette
from skelgait.runtime.advance import Advance
from skelgait.runtime.cores import usable_cores
from skelgait.settings.schema import SilhouettesSettings
from skelgait.storage import Key
from skelgait.storage.metadata import DatasetMetadata

# Folders of GREW alone, in its original layout and as OpenGait rearranges it.
_GREW = re.compile(r".*/(train/\d{5}|test/gallery/\d{5}|test/probe|\d{5}train/00|probe/03)/[^/]+")


def align_dataset(
    images: ImageFolders,
    out: PathLike,
    config: SilhouettesSettings,
    *,
    advance: Advance | None = None,
) -> BuildReport:
    """Align the silhouettes of all sequences in `images` into `out`, see `skelgait.preprocess.build.build_dataset`.

    GREW's images are already aligned: those of the requested size are kept unchanged, empty ones included.

    Args:
        images: folders of images.
        out: folder of the silhouettes, in the storage `config.storage`.
        config: settings of the alignment and of the storage.
        advance: called with the number of finished sequences.

    Returns:
        Report that counts for each sequence its `frames`, and `empty`: images that were left out because they are
        empty.

    Raises:
        SettingsError: if `out` is the folder of the images, or holds other silhouettes.
        DataError: if `out` cannot be written, or another run writes there. Silhouettes written before are kept.
    """
    out = Path(out)
    if out.resolve() == images.path.resolve():
        hint = "choose another folder with --silhouettes"
        raise SettingsError(out, "the folder of the images", "another folder", hint)
    metadata = DatasetMetadata(str(images.path.resolve()), recorded_settings(config))
    hint = "choose another folder with --silhouettes, or use --overwrite"
    return build_dataset(
        _AlignRecipe(images, config.size_px, config.max_megapixels, _is_grew(images)),
        Destination(out, "silhouette", metadata, config.storage, config.compression, hint=hint),
        workers=config.workers or usable_cores(),
        overwrite=config.overwrite,
        advance=advance,
    )


def _is_grew(images: ImageFolders) -> bool:
    return any(_GREW.fullmatch(images.folder(key).absolute().as_posix()) for key in images.keys)


@dataclass(frozen=True)
class _AlignRecipe(Recipe):
    """Aligned silhouettes. They are made in `read`, because their number is not known before."""

    images: ImageFolders
    size_px: int
    max_megapixels: int
    is_grew: bool

    @property
    def keys(self) -> Sequence[Key]:
        return self.images.keys

    def modified_ns(self, key: Key) -> int:
        return self.images.modified_ns(key)

    def read(self, key: Key) -> Loaded:
        folder, files = self.images.folder(key), self.images.files(key)
        frames = [(path.stem, self._align(read_silhouette(path, self.max_megapixels))) for path in files]
        aligned = [(name, frame) for name, frame in frames if frame is not None]
        if not aligned:
            hint = "extract the silhouettes from the video again, or remove the folder"
            raise DataError(folder, f"{len(files)} empty images", "a silhouette", hint)
        output = Output(np.stack([frame for _, frame in aligned]), {"empty": len(frames) - len(aligned)})
        return Loaded(output, len(aligned), [name for name, _ in aligned])

    def make(self, loaded: Loaded) -> Output:
        output: Output = loaded.content
        return output

    def _align(self, image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        if self.is_grew and image.shape == (self.size_px, self.size_px):
            return image
        return align_silhouette(image, self.size_px)
