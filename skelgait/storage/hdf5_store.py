"""Reading sequences from HDF5: a folder of shards `shard-00000.h5`, ..., or a single HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike
from skelgait.storage.checks import check_modality, is_modality
from skelgait.storage.hdf5_frames import ChunkedFrames
from skelgait.storage.hdf5_reader import HDF5_ERRORS, hdf5_error, is_old_text, open_checked, open_hdf5, read_text
from skelgait.storage.shards import CHUNK_FRAMES, SUMS, ShardIndex, read_index, sum_of
from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource

_EXPECTED = "a shard of an HDF5 store"
_HINT = "run the command that wrote the store again; only damaged shards are rewritten"


class _Location(NamedTuple):
    shard: Path
    start: int
    stop: int
    name: str
    modified_ns: int | None


class Hdf5Store(SequenceSource):
    """Source of sequences in HDF5 shards; every process opens its own handles.

    Args:
        path: folder of shards, or one HDF5 file.
        modality: modality of the sequences.

    Raises:
        DataError: if there is no shard, or a shard is damaged, holds another modality, or repeats a sequence.
    """

    title = "an HDF5 store"

    def __init__(self, path: PathLike, modality: Modality) -> None:
        self.path = Path(path)
        self.modalities: tuple[Modality, ...] = (modality,)
        self._open: dict[Path, _OpenShard] = {}
        self._process_id = os.getpid()
        locations: dict[Key, _Location] = {}
        for shard in shard_files(self.path):
            index = read_shard_index(shard, modality)
            times: Sequence[int | None] = index.modified_ns or [None] * len(index.keys)
            rows = zip(index.keys, index.offsets[:-1], index.offsets[1:], index.names, times, strict=True)
            for key, start, stop, name, modified_ns in rows:
                if key in locations:
                    hint = f"write the store again; {locations[key].shard.name} has this sequence too"
                    raise DataError(shard, f"{key} again", "each sequence once", hint)
                locations[key] = _Location(shard, start, stop, name, modified_ns)
        self._locations = dict(sorted(locations.items()))
        self.keys = list(self._locations)
        if not self.keys:
            hint = "make them with `skelgait heatmap --storage hdf5` or `skelgait convert`"
            raise DataError(self.path, "no sequence", "HDF5 shards with sequences", hint)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`; only HDF5 chunks with chosen frames are read."""
        shard, start, stop, *_ = self._location(key)
        indices = None if choose is None else choose(stop - start)
        try:
            opened = self._opened(shard)
            array = opened.range(start, stop) if indices is None else opened.frames(start + indices)
        except HDF5_ERRORS as error:
            raise _damaged(shard, key, error) from error
        return (check_modality(array, self.modalities[0], shard),)

    def verify(self, key: Key) -> bool:
        """See `SequenceSource.verify`."""
        shard, start, stop, *_ = self._location(key)
        (array,) = self.read(key)
        self.frame_names(key)
        try:
            return self._opened(shard).verify(start, stop, array)
        except HDF5_ERRORS as error:
            raise _damaged(shard, key, error) from error

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`."""
        shard, start, stop, *_ = self._location(key)
        try:
            array = self._opened(shard).empty(stop - start)
        except HDF5_ERRORS as error:
            raise _damaged(shard, key, error) from error
        return check_modality(array, self.modalities[0], shard)

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        location = self._location(key)
        return location.stop - location.start

    def frame_names(self, key: Key) -> list[str] | None:
        """See `SequenceSource.frame_names`."""
        shard, start, stop, *_ = self._location(key)
        try:
            names = self._opened(shard).names(start, stop)
        except HDF5_ERRORS as error:
            raise _damaged(shard, key, error) from error
        return names if names and all(names) else None

    def modified_ns(self, key: Key) -> int:
        """Return the time of the source of a sequence, or that of the shard if it is unknown."""
        shard, *_, modified_ns = self._location(key)
        if modified_ns is not None:
            return modified_ns
        try:
            return shard.stat().st_mtime_ns
        except OSError as error:
            raise _damaged(shard, key, error) from error

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self._location(key).name

    def _location(self, key: Key) -> _Location:
        if key not in self._locations:
            raise DataError(f"{self.path}: {key}", "no such sequence", "a key of this store", "open the store again")
        return self._locations[key]

    def _opened(self, shard: Path) -> _OpenShard:
        if self._process_id != os.getpid():
            # HDF5 handles do not survive a fork.
            self._open, self._process_id = {}, os.getpid()
        if shard not in self._open:
            self._open[shard] = _OpenShard(shard)
        return self._open[shard]


class _OpenShard:
    """Open HDF5 file of a shard."""

    def __init__(self, shard: Path) -> None:
        # No chunk cache: clips are drawn at random from much more data, and every open shard would use megabytes.
        file = open_checked(shard, chunk_cache=False, frames=False)
        self._file = file
        self._frames = file["frames"]
        self._chunks = ChunkedFrames(self._frames) if self._frames.chunks else None
        self._names = file.get("frame_names")
        # Contiguous frames are read without HDF5, which is faster, if the system has preadv.
        self._offset = self._frames.id.get_offset() if hasattr(os, "preadv") else None
        self._descriptor = file.id.get_vfd_handle()

    def empty(self, length: int) -> NDArray[Any]:
        """Return an uninitialized array of `length` frames."""
        return np.empty((length, *self._frames.shape[1:]), self._frames.dtype)

    def names(self, start: int, stop: int) -> list[str]:
        """Return the names of frames `start` to `stop - 1`; empty strings are unknown names."""
        if self._names is None:
            return []
        if len(self._names) != len(self._frames):
            raise ValueError("another number of frame names than of frames")
        return [name.decode() for name in self._names[start:stop].tolist()]

    def verify(self, start: int, stop: int, array: NDArray[Any]) -> bool:
        """Compare frames `start` to `stop - 1` with their checksum; return False if there is none."""
        sums = self._file.get(SUMS)
        if sums is None:
            return False
        bounds = self._file["offsets"][:]
        row = np.flatnonzero((bounds[:-1] == start) & (bounds[1:] == stop))[0]
        if sums[row] != sum_of(array):
            raise ValueError("frames that differ from their checksum")
        return True

    def range(self, start: int, stop: int) -> NDArray[Any]:
        """Read frames `start` to `stop - 1`."""
        if self._chunks:
            return self._chunks.read(start, stop)
        if self._offset is None or stop <= start:
            return np.asarray(self._frames[start:stop])
        array = self.empty(stop - start)
        if os.preadv(self._descriptor, [array.data], self._offset + start * array[0].nbytes) != array.nbytes:
            raise OSError("the end of the file is missing")
        return array

    def frames(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Read the frames at `indices`, in that order; frames between them are read only if they share a chunk."""
        runs = list(_runs(indices))
        if len(runs) == 1:
            return self.range(*runs[0])[indices - runs[0][0]]
        array = self.empty(len(indices))
        for start, stop in runs:
            is_inside = (indices >= start) & (indices < stop)
            array[is_inside] = self.range(start, stop)[indices[is_inside] - start]
        return array


def _runs(indices: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield ranges that contain all `indices`, with gaps of at least one HDF5 chunk between them."""
    if not len(indices):
        return
    low, high = int(indices.min()), int(indices.max()) + 1
    if high - low < len(indices) + CHUNK_FRAMES:  # a clip: the most frequent case
        yield low, high
        return
    ordered = np.unique(indices)
    for run in np.split(ordered, np.flatnonzero(np.diff(ordered) >= CHUNK_FRAMES) + 1):
        yield int(run[0]), int(run[-1]) + 1


def shard_files(path: Path) -> list[Path]:
    """Return the HDF5 files of a store, in order; an empty list if `path` is not a store."""
    return [path] if path.is_file() else sorted(path.glob(f"shard-{'[0-9]' * 5}.h5"))


def read_shard_index(shard: Path, modality: Modality) -> ShardIndex:
    """Read the index of a shard.

    Raises:
        DataError: if the shard is damaged, or holds another modality.
    """
    with open_hdf5(shard, _EXPECTED, _HINT, frames=False) as file:
        existing = _modality(file)
        if existing != modality:
            raise DataError(shard, f"a store of {existing}s", f"a store of {modality}s", "choose another folder")
        return read_index(file)


def shard_modality(shard: Path) -> Modality:
    """Return the modality of the sequences in a shard.

    Raises:
        DataError: if the shard is damaged, or holds other data.
    """
    with open_hdf5(shard, _EXPECTED, _HINT, frames=False) as file:
        return _modality(file)


def _modality(file: h5py.File) -> Modality:
    # Text of variable length, which skelgait 0.1.0 wrote, takes long to read safely; the frames tell as much.
    modality = _modality_of_frames(file["frames"]) if is_old_text(file, "modality") else read_text(file, "modality")
    if modality not in get_args(Modality):
        shard = Path(file.filename)
        raise DataError(shard, f"a store of {modality}", "poses, maps or silhouettes", "choose another file")
    return cast("Modality", modality)


def _modality_of_frames(frames: h5py.Dataset) -> str:
    header = np.broadcast_to(np.zeros((), frames.dtype), frames.shape)
    fits = [modality for modality in get_args(Modality) if is_modality(header, modality)]
    return fits[0] if fits else f"arrays {frames.shape} of {frames.dtype}"


def _damaged(shard: Path, key: Key, error: Exception) -> DataError:
    hint = f"remove {shard.name}, then run the command that wrote the store again"
    return hdf5_error(f"{shard}: {key}", error, _EXPECTED, hint)
