"""Storage backends: the formats in which sequences are stored, each registered in `BACKENDS`.

To add a format, derive a class from `Backend` and add an instance to `BACKENDS`. The settings, all commands that read
or write sequences, and `open_source` use the registry. The methods import numpy and h5py when they are called, because
the names of the backends are part of the settings, which every command loads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from skelgait.errors import SettingsError

if TYPE_CHECKING:
    from skelgait.storage.chunks import ChunkWriter
    from skelgait.storage.metadata import DatasetMetadata
    from skelgait.storage.source import Key, Modality, SequenceSource

Compression = Literal["lz4hc", "gzip", "none"]
"""Compression of frames in HDF5. lz4hc is fast to read and needs the package hdf5plugin; the others need only h5py."""

ANY_PICKLE = "*.pkl"
"""Default pattern of the file in a sequence folder of a pickle tree."""


def file_name_of(key: Key) -> str:
    """Return the default file name of a sequence, without its suffix: the view."""
    return key.view


class Backend(ABC):
    """Storage format of sequences.

    Attributes:
        name: value of the setting `storage`, for example "hdf5".
        description: short description for help texts, with its article.
        converts_to: name of the backend that `skelgait convert` writes from this one.
        unused_settings: settings that have no effect on this backend; they are not recorded with a dataset.
        has_uniform_frames: True if all frames in a file must have one shape and type.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    converts_to: ClassVar[str] = "pkl"
    unused_settings: ClassVar[frozenset[str]] = frozenset({"compression"})
    has_uniform_frames: ClassVar[bool] = False

    @abstractmethod
    def holds(self, path: Path) -> bool:
        """Return True if there are sequences of this backend at `path`."""

    @abstractmethod
    def open(self, path: Path, modality: Modality | None = None, pattern: str = ANY_PICKLE) -> SequenceSource:
        """Open the sequences at `path`.

        Args:
            path: folder or file of the sequences.
            modality: modality of the sequences; None: detected.
            pattern: pattern of the file in a sequence folder; only for pickle trees.

        Raises:
            DataError: if no sequence can be read.
        """

    @abstractmethod
    def writer(
        self,
        out: Path,
        modality: Modality,
        metadata: DatasetMetadata,
        *,
        compression: Compression = "lz4hc",
        file_name: Callable[[Key], str] = file_name_of,
    ) -> ChunkWriter:
        """Return a writer of sequences into a folder.

        Args:
            out: folder of the dataset.
            modality: modality of the sequences.
            metadata: source and settings of the dataset, for formats that store them in their files.
            compression: compression of the frames, for formats that have several.
            file_name: function from a key to the file name in a pickle tree, without its suffix.
        """

    @abstractmethod
    def remove(self, out: Path, modality: Modality) -> None:
        """Remove all sequences of a modality in the folder `out`; other files are kept.

        Raises:
            DataError: if a file cannot be removed.
        """


class PickleBackend(Backend):
    """Folder tree of pickle files, as OpenGait reads it."""

    name = "pkl"
    description = "a pickle tree"
    converts_to = "hdf5"

    def holds(self, path: Path) -> bool:
        """Return True if a pickle file is three folders below `path`."""
        return path.is_dir() and next(path.glob("*/*/*/*.pkl"), None) is not None

    def open(self, path: Path, modality: Modality | None = None, pattern: str = ANY_PICKLE) -> SequenceSource:
        """See `Backend.open`."""
        from skelgait.storage.pickle_tree import PickleTree, open_tree

        return open_tree(path, pattern) if modality is None else PickleTree(path, {modality: pattern})

    def writer(
        self,
        out: Path,
        modality: Modality,
        metadata: DatasetMetadata,
        *,
        compression: Compression = "lz4hc",
        file_name: Callable[[Key], str] = file_name_of,
    ) -> ChunkWriter:
        """See `Backend.writer`."""
        from skelgait.storage.pickle_chunks import PickleChunkWriter

        return PickleChunkWriter(out, modality, file_name)

    def remove(self, out: Path, modality: Modality) -> None:
        """See `Backend.remove`."""
        from skelgait.storage.pickle_chunks import remove_pickles

        remove_pickles(out, modality)


class Hdf5Backend(Backend):
    """Folder of HDF5 shards, or a single HDF5 file."""

    name = "hdf5"
    description = "an HDF5 store"
    unused_settings = frozenset()
    has_uniform_frames = True

    def holds(self, path: Path) -> bool:
        """Return True if `path` is a file or a folder with shards."""
        from skelgait.storage.hdf5_store import shard_files

        return bool(shard_files(path))

    def open(self, path: Path, modality: Modality | None = None, pattern: str = ANY_PICKLE) -> SequenceSource:
        """See `Backend.open`."""
        from skelgait.storage.hdf5_store import Hdf5Store, shard_files, shard_modality

        return Hdf5Store(path, modality or shard_modality(shard_files(path)[0]))

    def writer(
        self,
        out: Path,
        modality: Modality,
        metadata: DatasetMetadata,
        *,
        compression: Compression = "lz4hc",
        file_name: Callable[[Key], str] = file_name_of,
    ) -> ChunkWriter:
        """See `Backend.writer`."""
        from skelgait.storage.hdf5_chunks import Hdf5ChunkWriter

        return Hdf5ChunkWriter(out, modality, metadata, compression, file_name)

    def remove(self, out: Path, modality: Modality) -> None:
        """Remove all shards, of any modality."""
        from skelgait.storage.hdf5_chunks import remove_shards

        remove_shards(out)


BACKENDS: dict[str, Backend] = {backend.name: backend for backend in (PickleBackend(), Hdf5Backend())}
"""All storage backends by name. The first one is the default."""


def find_backend(name: str) -> Backend:
    """Return the backend of a name.

    Raises:
        SettingsError: if there is no such backend.
    """
    if name not in BACKENDS:
        raise SettingsError("--storage", name, f"one of {', '.join(BACKENDS)}", "choose one of these")
    return BACKENDS[name]


def backend_at(path: Path) -> Backend:
    """Return the backend of the sequences at `path`; the default one if there are none."""
    default, *others = BACKENDS.values()
    return next((backend for backend in others if backend.holds(path)), default)
