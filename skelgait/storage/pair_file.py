"""The HDF5 file that says which sequences of two sources pair up.

It holds `keys` (n, 3), as a part does, and names both sources in its attributes. Where frames are cut there is also a
group `cut`: `keys` (k, 3) of the sequences that are; `lengths` (k, 2): the maps and the silhouettes that each has;
`offsets` (k + 1) and `frames` (m, 2): map frames[j, 0] is paired with silhouette frames[j, 1] for every j from
offsets[i] to before offsets[i + 1] in sequence i.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.hdf5_file import HDF5_ERRORS, create_hdf5
from skelgait.storage.pairs import Cut
from skelgait.storage.shards import read_keys, write_keys
from skelgait.storage.source import Key


class PairedSources(NamedTuple):
    """Two sources that are read together.

    Attributes:
        maps: where the maps lie.
        silhouettes: where the silhouettes lie.
        silhouette_pattern: pattern of the silhouettes' file in a sequence folder, in a tree.
    """

    maps: Path
    silhouettes: Path
    silhouette_pattern: str


class PairFile(NamedTuple):
    """What a pair file says.

    Attributes:
        sources: what is paired.
        pairs: the sequences that pair up, each with its cut; None where all frames are paired as they lie.
    """

    sources: PairedSources
    pairs: Mapping[Key, Cut | None]


def read_pair_file(path: Path) -> PairFile:
    """Read a pair file.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            attributes = file.attrs
            maps, silhouettes = Path(attributes["maps"]), Path(attributes["silhouettes"])
            sources = PairedSources(maps, silhouettes, str(attributes["silhouette_pattern"]))
            pairs: dict[Key, Cut | None] = dict.fromkeys(read_keys(file))
            if "cut" in file:
                cuts = _read_cuts(file["cut"])
                if not cuts.keys() <= pairs.keys():
                    raise ValueError("cuts of sequences that do not pair up")
                pairs |= cuts
    except HDF5_ERRORS as error:
        found = f"a damaged file ({error})"
        raise DataError(path, found, "linked pairs", "link the pairs again with `skelgait link`") from error
    return PairFile(sources, pairs)


def write_pair_file(path: Path, content: PairFile) -> None:
    """Write a pair file, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    sources, pairs = content
    cuts = {key: cut for key, cut in pairs.items() if cut is not None}
    with create_hdf5(path) as (file, _):
        file.attrs.update(
            maps=str(sources.maps),
            silhouettes=str(sources.silhouettes),
            silhouette_pattern=sources.silhouette_pattern,
        )
        write_keys(file, list(pairs))
        if cuts:
            _write_cuts(file.create_group("cut"), cuts)


def _write_cuts(group: h5py.Group, cuts: Mapping[Key, Cut]) -> None:
    write_keys(group, list(cuts))
    group["lengths"] = np.array([(cut.n_maps, cut.n_silhouettes) for cut in cuts.values()], np.int32)
    group["offsets"] = np.array([0, *accumulate(len(cut.maps) for cut in cuts.values())])
    group["frames"] = np.concatenate([np.stack((cut.maps, cut.silhouettes), 1) for cut in cuts.values()]).astype("i4")


def _read_cuts(group: h5py.Group) -> dict[Key, Cut]:
    """The cuts in a pair file.

    Raises:
        ValueError: the tables are of another form, or do not fit each other.
        KeyError: a table is missing.
    """
    keys = read_keys(group)
    lengths, offsets = _integers(group["lengths"], (len(keys), 2)), _integers(group["offsets"], (len(keys) + 1,))
    frames = _integers(group["frames"], (int(offsets[-1]), 2))
    if len(set(keys)) != len(keys):
        raise ValueError("a sequence that is cut twice")
    if offsets[0] != 0 or (np.diff(offsets) < 1).any():
        raise ValueError("offsets that do not ascend from 0")
    if (frames < 0).any() or (frames >= np.repeat(lengths, np.diff(offsets), axis=0)).any():
        raise ValueError("frames that there are not")
    bounds = zip(offsets.tolist(), offsets[1:].tolist(), strict=False)
    return {
        key: Cut(frames[start:stop, 0], frames[start:stop, 1], *own)
        for key, own, (start, stop) in zip(keys, lengths.tolist(), bounds, strict=True)
    }


def _integers(table: h5py.Dataset, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """A table of the given shape, as it lies in the file.

    Raises:
        ValueError: it is of another shape or type.
    """
    if table.shape != shape or table.dtype.kind not in "iu":
        raise ValueError(f"{table.name} of shape {table.shape} and type {table.dtype}, not {shape} of integers")
    # Unsigned numbers would wrap round where they are subtracted.
    return np.asarray(table[:]).astype(np.int64)
