"""Shards of an HDF5 store, in a form that any program with HDF5 can read.

A shard holds `frames` (the frames of all its sequences, one sequence after another), `keys` (n, 3) as UTF-8 bytes,
`offsets` (n + 1): sequence i has frames[offsets[i]:offsets[i + 1]], and `names` (n,): the file name of each sequence in
a pickle tree, without its suffix. `modified_ns` (n,) are the times of their sources, in nanoseconds since the epoch;
older stores lack it. If the names of frames are known, `frame_names` has one for each frame. The attributes are the
version of this format, the modality, the version of skelgait, the source of the sequences and the settings they were
made with.

All tables but the frames have Fletcher-32 checksums, which HDF5 compares when it reads them. For frames, that would
cost a fifth of the time of reading; `frames_crc32` (n,) has the CRC-32 of the frames of each sequence, which
`skelgait inspect --verify` compares. Files of 0.1.0 have no checksums.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from skelgait import __version__
from skelgait.errors import ShapeError
from skelgait.storage.backends import Compression
from skelgait.storage.format_version import check_format
from skelgait.storage.hdf5_file import create_hdf5, write_table, write_text
from skelgait.storage.hdf5_reader import has_name, read_number, read_table
from skelgait.storage.names import check_key, name_problem
from skelgait.storage.source import Key, Modality

CHUNK_FRAMES = 16
FORMAT = 1
SUMS = "frames_crc32"

_FILTERS: dict[Compression, dict[str, Any]] = {
    "lz4hc": dict(hdf5plugin.Blosc(cname="lz4hc", clevel=3, shuffle=hdf5plugin.Blosc.NOSHUFFLE)),
    "gzip": {"compression": "gzip", "compression_opts": 4},
    # Contiguous, without HDF5 chunks.
    "none": {},
}


class ShardIndex(NamedTuple):
    """Index of the sequences in a shard.

    Attributes:
        keys: keys of the sequences.
        offsets: index of the first frame of each sequence; the last entry is the number of all frames.
        names: file names of the sequences in a pickle tree, without their suffix.
        frame_names: names of the frames of each sequence, None where unknown; not read by `read_index`.
        modified_ns: time of the source of each sequence, in nanoseconds since the epoch; empty: unknown.
    """

    keys: list[Key]
    offsets: list[int]
    names: list[str]
    frame_names: Sequence[Sequence[str] | None] = ()
    modified_ns: Sequence[int] = ()


def write_shard(
    path: Path,
    index: ShardIndex,
    arrays: Iterable[NDArray[Any]],
    modality: Modality,
    *,
    source: str,
    settings: Mapping[str, object],
    compression: Compression = "lz4hc",
    modified_ns: int | None = None,
) -> None:
    """Write a shard atomically, one array at a time. The same index and arrays give the same bytes.

    Args:
        path: file of the shard.
        index: sequences, at least one.
        arrays: arrays of the sequences, in the same order; they may differ only in their number of frames.
        modality: modality of the sequences.
        source: path that the sequences were made from.
        settings: settings that they were made with.
        compression: compression of the frames.
        modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.

    Raises:
        ShapeError: if the frames of an array differ from those of the first one.
        DataError: if the file cannot be written.
    """
    with create_hdf5(path, modified_ns) as (file, check):
        origin = {"version": __version__, "source": source, "settings": json.dumps(settings)}
        file.attrs["format"] = FORMAT
        write_text(file, modality=modality, **origin)
        sums: list[int] = []
        bounds = zip(index.offsets[:-1], index.offsets[1:], strict=True)
        for key, (start, stop), array in zip(index.keys, bounds, arrays, strict=True):
            if "frames" not in file:
                _create_frames(file, index.offsets[-1], array, compression)
            _check_frames(key, stop - start, array, file["frames"])
            file["frames"][start:stop] = array
            sums.append(sum_of(array))
            check()
        if sums:
            write_table(file, SUMS, np.array(sums, np.uint32))
        write_table(file, "offsets", np.array(index.offsets))
        write_table(file, "names", np.array([name.encode() for name in index.names], dtype="S"))
        if index.modified_ns:
            write_table(file, "modified_ns", np.array(index.modified_ns, np.int64))
        _write_frame_names(file, index)
        write_keys(file, index.keys)


def sum_of(array: NDArray[Any]) -> int:
    """Return the CRC-32 of the bytes of an array in C order."""
    return zlib.crc32(np.ascontiguousarray(array).data)


def read_index(file: h5py.File) -> ShardIndex:
    """Read the index of an open shard.

    Raises:
        ValueError: if a table has a wrong form, or does not fit the frames.
        KeyError: if a table is missing.
        DataError: if the shard was written by a newer skelgait.
    """
    number = read_number(file, "format") if "format" in file.attrs else None
    check_format(Path(file.filename), number, FORMAT)
    keys, offsets = read_keys(file), read_table(file, "offsets")
    names = _checked_names(read_table(file, "names"))
    if not (
        offsets.dtype.kind == "i"
        and len(offsets) == len(keys) + 1 == len(names) + 1
        and offsets[0] == 0
        and offsets[-1] == len(file["frames"])
        and (np.diff(offsets) >= 0).all()
    ):
        raise ValueError("an index that does not fit its frames")
    times = read_table(file, "modified_ns") if has_name(file, "modified_ns") else np.zeros(0, np.int64)
    if times.dtype.kind != "i" or times.shape not in ((0,), (len(keys),)):
        raise ValueError(f"times of shape {times.shape} and type {times.dtype}")
    return ShardIndex(keys, offsets.tolist(), names, modified_ns=times.tolist())


def read_keys(file: h5py.File) -> list[Key]:
    """Read the table `keys` of an open file.

    Raises:
        ValueError: if the table has a wrong form.
        KeyError: if the table is missing.
    """
    table = read_table(file, "keys")
    if table.ndim != 2 or table.shape[1] != 3 or table.dtype.kind != "S":
        raise ValueError(f"keys of shape {table.shape} and type {table.dtype}")
    names = _checked_names(table.ravel())
    return list(map(Key._make, zip(names[0::3], names[1::3], names[2::3], strict=True)))


def _checked_names(table: NDArray[np.bytes_]) -> list[str]:
    """Return names that can each be one part of a path, and raise ValueError if there are others."""
    names = [name.decode() for name in table.tolist()]
    problem = next(filter(None, map(name_problem, dict.fromkeys(names))), None)
    if problem:
        raise ValueError(problem)
    return names


def write_keys(file: h5py.File, keys: Sequence[Key]) -> None:
    """Write the table `keys` (n, 3) into an open file.

    Raises:
        DataError: if a name cannot be used.
    """
    for key in keys:
        check_key(key, str(key), "use another name")
    table = np.array([[name.encode() for name in key] for key in keys], dtype="S").reshape(-1, 3)
    write_table(file, "keys", table)


def _write_frame_names(file: h5py.File, index: ShardIndex) -> None:
    if not any(index.frame_names):
        return
    lengths = np.diff(index.offsets).tolist()
    names: list[str] = []
    for frame_names, length in zip(index.frame_names, lengths, strict=True):
        names += frame_names or [""] * length
    write_table(file, "frame_names", np.array([name.encode() for name in names], dtype="S"))


def _create_frames(file: h5py.File, total: int, first: NDArray[Any], compression: Compression) -> None:
    shape = (total, *first.shape[1:])
    if compression == "none" or not total:
        file.create_dataset("frames", shape, first.dtype)
        return
    chunks = (min(CHUNK_FRAMES, total), *first.shape[1:])
    file.create_dataset("frames", shape, first.dtype, chunks=chunks, **_FILTERS[compression])


def _check_frames(key: Key, length: int, array: NDArray[Any], frames: h5py.Dataset) -> None:
    if (array.shape, array.dtype) != ((length, *frames.shape[1:]), frames.dtype):
        found = f"an array {array.shape} of {array.dtype}"
        expected = f"{(length, *frames.shape[1:])} of {frames.dtype}, as the sequences before"
        raise ShapeError(str(key), found, expected, "write these sequences into another store")
