"""Sequences in HDF5: a folder of parts `part-00000.h5`, ..., or a single such file, that anyone with h5py can open.

A part holds `frames` (all frames of its sequences, one after the other, in chunks), `keys` (n, 3) as UTF-8 bytes,
and `offsets` (n + 1): the frames of sequence i are frames[offsets[i]:offsets[i + 1]]. Attributes tell the modality, the
version of skelgait, where the sequences came from, and with which settings. A part is written whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait import __version__
from skelgait.errors import DataError
from skelgait.storage.atomic import write_whole
from skelgait.storage.checks import check_modality
from skelgait.storage.source import FrameChoice, Key, Modality

_CHUNK_FRAMES = 16
_MEND = "write the store again; everything in its other parts stays usable"


class _Place(NamedTuple):
    part: Path
    start: int
    stop: int


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
        self._places: dict[Key, _Place] = {}
        self._handles: dict[Path, h5py.File] = {}
        self._owner = os.getpid()
        for part in parts_of(path):
            self._add(part)
        self._places = dict(sorted(self._places.items()))
        self.keys = list(self._places)
        if not self.keys:
            raise DataError(
                path, "no sequence", "HDF5 parts with sequences", "make them with `skelgait heatmap --storage hdf5`"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handles": {}}

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`; only the chunks that hold chosen frames are read."""
        part, start, stop = self._places[key]
        try:
            frames = self._handle(part)["frames"]
            if choose is None:
                array = frames[start:stop]
            else:
                chosen = start + choose(stop - start)
                # HDF5 reads a range far faster than single frames, and a clip is nearly a range.
                low = chosen.min(initial=stop)
                array = frames[low : chosen.max(initial=low - 1) + 1][chosen - low]
        except (OSError, KeyError) as error:
            raise _damaged(part, error) from error
        return (check_modality(array, self.modalities[0], part),)

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        place = self._places[key]
        return place.stop - place.start

    def _add(self, part: Path) -> None:
        try:
            with h5py.File(part, "r") as file:
                modality = file.attrs["modality"]
                keys, offsets = read_keys(file), file["offsets"][:].tolist()
                total = len(file["frames"])
        except (OSError, KeyError, ValueError) as error:
            raise _damaged(part, error) from error
        if modality != self.modalities[0]:
            raise DataError(part, f"a store of {modality}s", f"one of {self.modalities[0]}s", "name another folder")
        if len(offsets) != len(keys) + 1 or offsets[-1] != total or sorted(offsets) != offsets:
            raise DataError(part, "an index that does not fit its frames", "a whole part", _MEND)
        for key, start, stop in zip(keys, offsets, offsets[1:], strict=False):
            if key in self._places:
                raise DataError(
                    part, f"{key} again", "each sequence once", f"remove this part or {self._places[key].part}"
                )
            self._places[key] = _Place(part, start, stop)

    def _handle(self, part: Path) -> h5py.File:
        if self._owner != os.getpid():
            # HDF5 handles do not survive a fork.
            self._handles, self._owner = {}, os.getpid()
        if part not in self._handles:
            self._handles[part] = h5py.File(part, "r")
        return self._handles[part]


def parts_of(path: Path) -> list[Path]:
    """The HDF5 files of a store, in order; none where `path` is no store."""
    return [path] if path.is_file() else sorted(path.glob("part-*.h5"))


def keys_of(part: Path) -> list[Key]:
    """The sequences in a part.

    Raises:
        DataError: the part is damaged.
    """
    try:
        with h5py.File(part, "r") as file:
            return read_keys(file)
    except (OSError, KeyError, ValueError) as error:
        raise _damaged(part, error) from error


def write_part(
    path: Path,
    sequences: Sequence[tuple[Key, NDArray[Any]]],
    modality: Modality,
    *,
    source: str,
    settings: Mapping[str, object],
) -> None:
    """Write one part, whole or not at all; the same sequences give the same bytes.

    Args:
        path: the part's file.
        sequences: keys and arrays; all arrays alike but for their number of frames.
        modality: what the arrays are.
        source: where the sequences came from.
        settings: how they were made.

    Raises:
        DataError: the file cannot be written.
    """
    arrays = [array for _, array in sequences]
    frames = np.concatenate(arrays)
    with write_whole(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs.update(modality=modality, version=__version__, source=source, settings=json.dumps(settings))
        chunks = (min(_CHUNK_FRAMES, max(len(frames), 1)), *frames.shape[1:])
        file.create_dataset("frames", data=frames, chunks=chunks, compression="lzf")
        file["offsets"] = np.cumsum([0, *map(len, arrays)])
        write_keys(file, [key for key, _ in sequences])


def read_keys(file: h5py.File) -> list[Key]:
    """The table `keys` of an open file."""
    return [Key(*(cell.decode() for cell in row)) for row in file["keys"][:].tolist()]


def write_keys(file: h5py.File, keys: Sequence[Key]) -> None:
    """Write the table `keys` (n, 3) into an open file."""
    file["keys"] = np.array([[cell.encode() for cell in key] for key in keys], dtype="S").reshape(-1, 3)


def _damaged(part: Path, error: Exception) -> DataError:
    return DataError(part, f"a damaged file ({error})", "a part of an HDF5 store", _MEND)
