"""Pair file: an HDF5 file that lists the paired sequences of two sources.

It holds `keys` (n, 3), as a shard does, and the paths of both sources as attributes. If only some frames of sequences
are paired, it also has a group `frame_pairs`: `keys` (k, 3) of these sequences, whose number is an attribute of the
file; `lengths` (k, 2): their numbers of maps and silhouettes; `offsets` (k + 1) and `frames` (m, 2): in sequence i, map
frames[j, 0] is paired with silhouette frames[j, 1] for offsets[i] <= j < offsets[i + 1]. All tables and attributes have
checksums, which HDF5 compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait.storage.hdf5_file import create_hdf5, write_table, write_text
from skelgait.storage.hdf5_reader import open_hdf5, read_number, read_text
from skelgait.storage.pairs import FramePairs
from skelgait.storage.shards import read_keys, write_keys
from skelgait.storage.source import Key

_GROUP = "frame_pairs"
_NUMBER = "sequences_with_frame_pairs"


class PairedSources(NamedTuple):
    """Two sources that are read together.

    Attributes:
        maps: path of the maps.
        silhouettes: path of the silhouettes.
        silhouette_pattern: pattern of the silhouette file in a sequence folder of a pickle tree.
    """

    maps: Path
    silhouettes: Path
    silhouette_pattern: str


class PairFile(NamedTuple):
    """Content of a pair file.

    Attributes:
        sources: paired sources.
        pairs: paired sequences, each with its paired frames; None: all frames in order.
    """

    sources: PairedSources
    pairs: Mapping[Key, FramePairs | None]


def read_pair_file(path: Path) -> PairFile:
    """Read a pair file.

    Raises:
        DataError: if the file is missing or damaged.
    """
    with open_hdf5(path, "linked pairs", "link the pairs again with `skelgait link`") as file:
        maps, silhouettes, pattern = (read_text(file, name) for name in ("maps", "silhouettes", "silhouette_pattern"))
        sources = PairedSources(Path(maps), Path(silhouettes), pattern)
        pairs: dict[Key, FramePairs | None] = dict.fromkeys(read_keys(file))
        # Files of 0.1.0 lack the number. HDF5 1.14.2 leaves out a group whose entry is damaged.
        number = read_number(file, _NUMBER) if _NUMBER in file.attrs else None
        if number or _GROUP in file:
            frame_pairs = _read_frame_pairs(file[_GROUP])
            if number not in (None, len(frame_pairs)):
                raise ValueError(f"paired frames of {len(frame_pairs)} sequences, not {number}")
            if not frame_pairs.keys() <= pairs.keys():
                raise ValueError("paired frames of sequences that are not paired")
            pairs |= frame_pairs
    return PairFile(sources, pairs)


def write_pair_file(path: Path, content: PairFile) -> None:
    """Write a pair file atomically.

    Raises:
        DataError: if the file cannot be written.
    """
    sources, pairs = content
    frame_pairs = {key: frames for key, frames in pairs.items() if frames is not None}
    with create_hdf5(path) as (file, _):
        file.attrs[_NUMBER] = len(frame_pairs)
        write_text(
            file,
            maps=str(sources.maps),
            silhouettes=str(sources.silhouettes),
            silhouette_pattern=sources.silhouette_pattern,
        )
        write_keys(file, list(pairs))
        if frame_pairs:
            _write_frame_pairs(file.create_group(_GROUP), frame_pairs)


def _write_frame_pairs(group: h5py.Group, pairs: Mapping[Key, FramePairs]) -> None:
    write_keys(group, list(pairs))
    lengths = [(frames.n_maps, frames.n_silhouettes) for frames in pairs.values()]
    write_table(group, "lengths", np.array(lengths, np.int32))
    write_table(group, "offsets", np.array([0, *accumulate(len(frames.maps) for frames in pairs.values())]))
    indices = [np.stack((frames.maps, frames.silhouettes), 1) for frames in pairs.values()]
    write_table(group, "frames", np.concatenate(indices).astype("i4"))


def _read_frame_pairs(group: h5py.Group) -> dict[Key, FramePairs]:
    """Read the paired frames in a pair file.

    Raises:
        ValueError: if a table has a wrong form, or the tables do not fit each other.
        KeyError: if a table is missing.
    """
    keys = read_keys(group)
    lengths, offsets = _integers(group["lengths"], (len(keys), 2)), _integers(group["offsets"], (len(keys) + 1,))
    frames = _integers(group["frames"], (int(offsets[-1]), 2))
    if len(set(keys)) != len(keys):
        raise ValueError("a sequence twice")
    if offsets[0] != 0 or (np.diff(offsets) < 1).any():
        raise ValueError("offsets that do not ascend from 0")
    if (frames < 0).any() or (frames >= np.repeat(lengths, np.diff(offsets), axis=0)).any():
        raise ValueError("frame indices out of range")
    bounds = zip(offsets.tolist(), offsets[1:].tolist(), strict=False)
    return {
        key: FramePairs(frames[start:stop, 0], frames[start:stop, 1], n_maps, n_silhouettes)
        for key, (n_maps, n_silhouettes), (start, stop) in zip(keys, lengths.tolist(), bounds, strict=True)
    }


def _integers(table: h5py.Dataset, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Read a table of integers.

    Raises:
        ValueError: if the table has another shape or type.
    """
    if table.shape != shape or table.dtype.kind not in "iu":
        raise ValueError(f"{table.name} of shape {table.shape} and type {table.dtype}, not {shape} of integers")
    # Differences of unsigned numbers would wrap around.
    return np.asarray(table[:]).astype(np.int64)
