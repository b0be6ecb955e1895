"""Lossless conversion of sequences from one storage to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from skelgait.errors import DataError, PathLike, SettingsError, ShapeError
from skelgait.preprocess.build import Destination, build_dataset
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.recipe import Loaded, Output, Recipe
from skelgait.runtime.advance import Advance
from skelgait.runtime.cores import usable_cores
from skelgait.storage import Backend, Key, SequenceSource
from skelgait.storage.backends import Compression, find_backend
from skelgait.storage.metadata import DatasetMetadata, read_metadata


def convert_store(
    source: SequenceSource,
    out: PathLike,
    storage: str,
    *,
    compression: Compression = "lz4hc",
    workers: int | None = None,
    advance: Advance | None = None,
) -> BuildReport:
    """Write all sequences of `source` in another storage; values, types, file names and frame names are kept.

    Existing sequences in `out` are skipped unless they are damaged or `source` has changed.

    Args:
        source: poses, maps or silhouettes.
        out: root of the pickle tree, or folder of the HDF5 store.
        storage: name of the storage backend to write, "pkl" or "hdf5".
        compression: compression of frames in HDF5.
        workers: number of worker processes; None: one for each core.
        advance: called with the number of finished sequences.

    Raises:
        SettingsError: if `source` holds pairs, or `out` is the folder of `source` or holds other sequences.
        DataError: if `out` cannot be written. Sequences written before are kept.
    """
    out, backend = Path(out), find_backend(storage)
    if len(source.modalities) > 1:
        hint = "convert maps and silhouettes separately, and link them with --storage hdf5"
        raise SettingsError(source.path, "pairs", "poses, maps or silhouettes", hint)
    if out.resolve() == source.path.resolve():
        raise SettingsError(out, "the source itself", "another folder", "choose another folder")
    destination = Destination(
        out,
        source.modalities[0],
        _metadata(source, backend, compression),
        storage,
        compression,
        file_name=source.name,
    )
    recipe = _ConvertRecipe(source, backend.has_uniform_frames)
    return build_dataset(recipe, destination, workers=workers or usable_cores(), advance=advance)


def _metadata(source: SequenceSource, backend: Backend, compression: Compression) -> DatasetMetadata:
    """Return the metadata of the source with the new storage."""
    original = read_metadata(source.path)
    settings = {**(original.settings if original else {}), "storage": backend.name}
    settings.pop("compression", None)
    if "compression" not in backend.unused_settings:
        settings["compression"] = compression
    if original is None:
        return DatasetMetadata(str(source.path.resolve()), settings)
    source_settings = original.source_settings
    return DatasetMetadata(original.source, settings, facts=original.facts, source_settings=source_settings)


class _FrameFormat(NamedTuple):
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"frames {self.shape} of {self.dtype}"


class _Content(NamedTuple):
    key: Key
    format: _FrameFormat


@dataclass(frozen=True)
class _ConvertRecipe(Recipe):
    """Copy of sequences; a sequence is read only when it is written."""

    source: SequenceSource
    needs_uniform_frames: bool

    @property
    def keys(self) -> Sequence[Key]:
        return self.source.keys

    def modified_ns(self, key: Key) -> int:
        return self.source.modified_ns(key)

    def read(self, key: Key) -> Loaded:
        header = self.source.header(key)
        content = _Content(key, _FrameFormat(header.shape[1:], str(header.dtype)))
        return Loaded(content, len(header), self.source.frame_names(key))

    def make(self, loaded: Loaded) -> Output:
        content: _Content = loaded.content
        return Output(self.source.read(content.key)[0])

    def mismatches(self, existing: Collection[Key], loaded: Mapping[Key, Loaded]) -> dict[Key, str]:
        """Refuse sequences whose frames differ from those of the existing sequences, or else from the majority."""
        if not (self.needs_uniform_frames and loaded):
            return {}
        formats = {key: sequence.content.format for key, sequence in loaded.items()}
        usual = self._usual_format(existing) or Counter(formats.values()).most_common(1)[0][0]
        hint = "convert sequences of different formats into different stores"
        return {
            key: str(ShapeError(self.source.path, str(frames), str(usual), hint))
            for key, frames in formats.items()
            if frames != usual
        }

    def _usual_format(self, keys: Collection[Key]) -> _FrameFormat | None:
        """Return the format of sequences in one shard; None if none of them can be read."""
        for key in keys:
            try:
                return self._format(key)
            except DataError:
                continue
        return None

    def _format(self, key: Key) -> _FrameFormat:
        header = self.source.header(key)
        return _FrameFormat(header.shape[1:], str(header.dtype))
