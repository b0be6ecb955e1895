"""Opening what lies at a path, whichever storage it is in."""

from __future__ import annotations

from pathlib import Path

import h5py

from skelgait.errors import DataError
from skelgait.storage.hdf5 import Hdf5Store, parts_of, read_keys
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, SILHOUETTE_LINK, PairSource
from skelgait.storage.pickle_tree import PickleTree
from skelgait.storage.source import Modality, SequenceSource


def open_source(path: Path, modality: Modality, pattern: str = "*.pkl") -> SequenceSource:
    """Open a pickle tree or an HDF5 store, whichever lies at `path`.

    Args:
        path: root of the tree, folder of HDF5 parts, or one HDF5 file.
        modality: what its sequences are.
        pattern: pattern of the sequence's file in a tree.

    Raises:
        DataError: nothing readable lies there.
    """
    return Hdf5Store(path, modality) if parts_of(path) else PickleTree(path, {modality: pattern})


def open_pairs(path: Path) -> SequenceSource:
    """Open linked pairs: a tree of links, or a folder with a pair file.

    Raises:
        DataError: nothing readable lies there.
    """
    pair_file = path / PAIR_FILE
    if not pair_file.is_file():
        return PickleTree(path, {"map": MAP_LINK, "silhouette": SILHOUETTE_LINK})
    try:
        with h5py.File(pair_file, "r") as file:
            keys = read_keys(file)
            maps, silhouettes = Path(file.attrs["maps"]), Path(file.attrs["silhouettes"])
            pattern = str(file.attrs["silhouette_pattern"])
    except (OSError, KeyError, ValueError) as error:
        found = f"a damaged file ({error})"
        raise DataError(pair_file, found, "linked pairs", "link the pairs again with `skelgait link`") from error
    return PairSource(path, open_source(maps, "map"), open_source(silhouettes, "silhouette", pattern), keys)
