"""Reading sequences from HDF5: a folder of parts `part-00000.h5`, ..., or a single such file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.checks import check_modality
from skelgait.storage.hdf5_file import HDF5_ERRORS
from skelgait.storage.shards import CHUNK_FRAMES, Index, read_index
from skelgait.storage.source import FrameChoice, Key, Modality


class _Place(NamedTuple):
    part: Path
    start: int
    stop: int
    name: str


class Hdf5Store:
    """A `SequenceSource` on HDF5 parts; every process opens its own handles.

    Args:
        path: a folder of parts, or one HDF5 file.
        modality: what the sequences are.

    Raises:
        DataError: there is no part, a part is damaged, holds another modality, or repeats a sequence.
    """

    def __init__(self, path: Path, modality: Modality) -> None:
        self.path = path
        self.modalities: tuple[Modality, ...] = (modality,)
        self._open: dict[Path, _OpenPart] = {}
        self._owner = os.getpid()
        places: dict[Key, _Place] = {}
        for part in parts_of(path):
            index = index_of(part, modality)
            for place in zip(index.keys, index.offsets, index.offsets[1:], index.names, strict=False):
                if place[0] in places:
                    hint = f"write the store again; {places[place[0]].part.name} has it too"
                    raise DataError(part, f"{place[0]} again", "each sequence once", hint)
                places[place[0]] = _Place(part, *place[1:])
        self._places = dict(sorted(places.items()))
        self.keys = list(self._places)
        if not self.keys:
            hint = "make them with `skelgait heatmap --storage hdf5` or `skelgait convert`"
            raise DataError(path, "no sequence", "HDF5 parts with sequences", hint)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`; only the chunks that hold chosen frames are read."""
        part, start, stop, _ = self._place(key)
        chosen = None if choose is None else choose(stop - start)
        try:
            opened = self._opened(part)
            array = opened.range(start, stop) if chosen is None else opened.frames(start + chosen)
        except HDF5_ERRORS as error:
            raise _damaged(part, error) from error
        return (check_modality(array, self.modalities[0], part),)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`."""
        part, start, stop, _ = self._place(key)
        try:
            array = self._opened(part).empty(stop - start)
        except HDF5_ERRORS as error:
            raise _damaged(part, error) from error
        return check_modality(array, self.modalities[0], part)

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        place = self._place(key)
        return place.stop - place.start

    def frame_names(self, key: Key) -> list[str] | None:
        """See `SequenceSource.frame_names`."""
        part, start, stop, _ = self._place(key)
        try:
            names = self._opened(part).names(start, stop)
        except HDF5_ERRORS as error:
            raise _damaged(part, error) from error
        return names if names and all(names) else None

    def modified_ns(self, key: Key) -> int:
        """See `SequenceSource.modified_ns`."""
        part = self._place(key).part
        try:
            return part.stat().st_mtime_ns
        except OSError as error:
            raise _damaged(part, error) from error

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self._place(key).name

    def _place(self, key: Key) -> _Place:
        if key not in self._places:
            raise DataError(f"{self.path}: {key}", "no such sequence", "one of those that were there", "try again")
        return self._places[key]

    def _opened(self, part: Path) -> _OpenPart:
        if self._owner != os.getpid():
            # HDF5 handles do not survive a fork.
            self._open, self._owner = {}, os.getpid()
        if part not in self._open:
            self._open[part] = _OpenPart(part)
        return self._open[part]


class _OpenPart:
    """The frames of a part, and ways to read some of them."""

    def __init__(self, part: Path) -> None:
        # No cache of chunks: clips are drawn at random from far more data, and each open part would hold megabytes.
        file = h5py.File(part, "r", rdcc_nbytes=0)
        self._frames = file["frames"]
        self._names = file.get("frame_names")
        # Frames that lie in one chunk are read past HDF5, which is quicker, where the system can.
        self._offset = self._frames.id.get_offset() if hasattr(os, "preadv") else None
        self._descriptor = file.id.get_vfd_handle()

    def empty(self, length: int) -> NDArray[Any]:
        """Room for `length` frames."""
        return np.empty((length, *self._frames.shape[1:]), self._frames.dtype)

    def names(self, start: int, stop: int) -> list[str]:
        """The names of the frames from `start` to before `stop`, empty ones where they are not known."""
        if self._names is None:
            return []
        if len(self._names) != len(self._frames):
            raise ValueError("names that do not fit the frames")
        return [name.decode() for name in self._names[start:stop].tolist()]

    def range(self, start: int, stop: int) -> NDArray[Any]:
        """The frames from `start` to before `stop`."""
        if self._offset is None or stop <= start:
            return np.asarray(self._frames[start:stop])
        array = self.empty(stop - start)
        if os.preadv(self._descriptor, [array.data], self._offset + start * array[0].nbytes) != array.nbytes:
            raise OSError("its end is missing")
        return array

    def frames(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """The frames at `places`, in that order; frames between them are read only where they share a chunk."""
        runs = list(_runs(places))
        if len(runs) == 1:
            return self.range(*runs[0])[places - runs[0][0]]
        array = self.empty(len(places))
        for start, stop in runs:
            within = (places >= start) & (places < stop)
            array[within] = self.range(start, stop)[places[within] - start]
        return array


def _runs(places: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges that hold all `places`, with gaps of at least a chunk between them."""
    if not len(places):
        return
    low, high = int(places.min()), int(places.max()) + 1
    if high - low < len(places) + CHUNK_FRAMES:  # a clip, as it is read most often
        yield low, high
        return
    ordered = np.unique(places)
    for run in np.split(ordered, np.flatnonzero(np.diff(ordered) >= CHUNK_FRAMES) + 1):
        yield int(run[0]), int(run[-1]) + 1


def parts_of(path: Path) -> list[Path]:
    """The HDF5 files of a store, in order; none where `path` is no store."""
    return [path] if path.is_file() else sorted(path.glob(f"part-{'[0-9]' * 5}.h5"))


def index_of(part: Path, modality: Modality) -> Index:
    """The sequences in a part.

    Raises:
        DataError: the part is damaged, or of another modality.
    """
    there = modality_of(part)
    if there != modality:
        raise DataError(part, f"a store of {there}s", f"one of {modality}s", "name another folder")
    try:
        with h5py.File(part, "r") as file:
            return read_index(file)
    except HDF5_ERRORS as error:
        raise _damaged(part, error) from error


def modality_of(part: Path) -> Modality:
    """What the sequences in a part are.

    Raises:
        DataError: the part is damaged, or holds something else.
    """
    try:
        with h5py.File(part, "r") as file:
            there = file.attrs["modality"]
            if not isinstance(there, str):
                raise TypeError(f"a modality of type {type(there).__name__}")
    except HDF5_ERRORS as error:
        raise _damaged(part, error) from error
    if there not in get_args(Modality):
        raise DataError(part, f"a store of {there}", "poses, maps or silhouettes", "choose another file")
    return cast("Modality", there)


def _damaged(part: Path, error: Exception) -> DataError:
    hint = "write the store again; its other parts are kept, and this one alone is made anew"
    return DataError(part, f"a damaged file ({error})", "a part of an HDF5 store", hint)
