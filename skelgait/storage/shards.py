"""Writing HDF5 parts that anyone with h5py can open.

A part holds `frames` (all frames of its sequences, one after the other), `keys` (n, 3) as UTF-8 bytes, `offsets`
(n + 1): the frames of sequence i are frames[offsets[i]:offsets[i + 1]], and `names` (n,): the name that the file of a
sequence has in a pickle tree, without its ending; where they are known, also `frame_names`, one a frame. Attributes
tell the modality, the version of skelgait, where the sequences came from, and with which settings. A part is written
whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from skelgait import __version__
from skelgait.errors import ShapeError
from skelgait.storage.hdf5_file import create_hdf5
from skelgait.storage.source import Key, Modality

Compression = Literal["lz4hc", "gzip", "none"]
"""lz4hc is quick to read, and needs the package hdf5plugin; gzip and none need h5py alone."""

CHUNK_FRAMES = 16

_FILTERS: dict[Compression, dict[str, Any]] = {
    "lz4hc": dict(hdf5plugin.Blosc(cname="lz4hc", clevel=3, shuffle=hdf5plugin.Blosc.NOSHUFFLE)),
    "gzip": {"compression": "gzip", "compression_opts": 4},
    # In one chunk, without chunks.
    "none": {},
}


class Index(NamedTuple):
    """The sequences of a part.

    Attributes:
        keys: their keys.
        offsets: where the frames of each begin; and, last, the number of all frames.
        names: the names of their files in a pickle tree, without the ending.
        frame_names: the names of each one's frames, where they are known; not read with the rest.
    """

    keys: list[Key]
    offsets: list[int]
    names: list[str]
    frame_names: Sequence[Sequence[str] | None] = ()


def write_part(
    path: Path,
    index: Index,
    arrays: Iterable[NDArray[Any]],
    modality: Modality,
    *,
    source: str,
    settings: Mapping[str, object],
    compression: Compression = "lz4hc",
    as_of_ns: int | None = None,
) -> None:
    """Write one part, an array after the other; the same sequences give the same bytes.

    Args:
        path: the part's file.
        index: the sequences, at least one.
        arrays: their arrays, in the same order; alike but for their number of frames.
        modality: what the arrays are.
        source: where the sequences came from.
        settings: how they were made.
        compression: how the frames are packed.
        as_of_ns: the date of the file, in nanoseconds since the epoch; now where None.

    Raises:
        ShapeError: the frames of an array differ from those of the first.
        DataError: the file cannot be written.
    """
    with create_hdf5(path, as_of_ns) as (file, check):
        file.attrs.update(modality=modality, version=__version__, source=source, settings=json.dumps(settings))
        bounds = zip(index.offsets[:-1], index.offsets[1:], strict=True)
        for key, (start, stop), array in zip(index.keys, bounds, arrays, strict=True):
            if "frames" not in file:
                _create_frames(file, index.offsets[-1], array, compression)
            _check_alike(key, stop - start, array, file["frames"])
            file["frames"][start:stop] = array
            check()
        file["offsets"] = np.array(index.offsets)
        file["names"] = np.array([name.encode() for name in index.names], dtype="S")
        _write_frame_names(file, index)
        write_keys(file, index.keys)


def read_index(file: h5py.File) -> Index:
    """The index of an open part.

    Raises:
        ValueError: it does not fit the frames, or its tables are of another form.
        KeyError: a table is missing.
    """
    keys, offsets = read_keys(file), file["offsets"][:]
    names = [_checked(name.decode()) for name in file["names"][:].tolist()]
    if not (
        offsets.dtype.kind == "i"
        and len(offsets) == len(keys) + 1 == len(names) + 1
        and offsets[0] == 0
        and offsets[-1] == len(file["frames"])
        and (np.diff(offsets) >= 0).all()
    ):
        raise ValueError("an index that does not fit its frames")
    return Index(keys, offsets.tolist(), names)


def read_keys(file: h5py.File) -> list[Key]:
    """The table `keys` of an open file.

    Raises:
        ValueError: it is of another form.
        KeyError: it is missing.
    """
    table = file["keys"]
    if table.ndim != 2 or table.shape[1] != 3 or table.dtype.kind != "S":
        raise ValueError(f"keys of shape {table.shape} and type {table.dtype}")
    cells = [_checked(cell.decode()) for cell in table[:].ravel().tolist()]
    return list(map(Key._make, zip(cells[0::3], cells[1::3], cells[2::3], strict=True)))


def _checked(name: str) -> str:
    """A name that can stand in a path, and leads nowhere else."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise ValueError(f"the name {name!r}")
    return name


def write_keys(file: h5py.File, keys: Sequence[Key]) -> None:
    """Write the table `keys` (n, 3) into an open file."""
    file["keys"] = np.array([[cell.encode() for cell in key] for key in keys], dtype="S").reshape(-1, 3)


def _write_frame_names(file: h5py.File, index: Index) -> None:
    if not any(index.frame_names):
        return
    lengths = np.diff(index.offsets).tolist()
    each = zip(index.frame_names, lengths, strict=True)
    names = [name for own, length in each for name in (own or [""] * length)]
    file["frame_names"] = np.array([name.encode() for name in names], dtype="S")


def _create_frames(file: h5py.File, total: int, first: NDArray[Any], compression: Compression) -> None:
    shape = (total, *first.shape[1:])
    if compression == "none" or not total:
        file.create_dataset("frames", shape, first.dtype)
        return
    chunks = (min(CHUNK_FRAMES, total), *first.shape[1:])
    file.create_dataset("frames", shape, first.dtype, chunks=chunks, **_FILTERS[compression])


def _check_alike(key: Key, length: int, array: NDArray[Any], frames: h5py.Dataset) -> None:
    if (array.shape, array.dtype) != ((length, *frames.shape[1:]), frames.dtype):
        found = f"an array {array.shape} of {array.dtype}"
        expected = f"{(length, *frames.shape[1:])} of {frames.dtype}, as the sequences before"
        raise ShapeError(str(key), found, expected, "write these sequences into a store of their own")
