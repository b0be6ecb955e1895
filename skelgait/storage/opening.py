"""Opening what lies at a path, whichever storage it is in."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import h5py

from skelgait.errors import DataError, ShapeError
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.checks import check_modality
from skelgait.storage.hdf5 import Hdf5Store, parts_of
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, SILHOUETTE_LINK, PairSource
from skelgait.storage.parts import read_keys
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
    except (OSError, KeyError, ValueError, AttributeError, TypeError) as error:
        found = f"a damaged file ({error})"
        raise DataError(pair_file, found, "linked pairs", "link the pairs again with `skelgait link`") from error
    return PairSource(path, open_source(maps, "map"), open_source(silhouettes, "silhouette", pattern), keys)


def open_any(path: Path, pattern: str = "*.pkl", only: Path | None = None) -> SequenceSource:
    """Open what lies at `path`, and find out what it is: pairs, poses, maps or silhouettes.

    Args:
        path: root of a tree, folder of HDF5 parts, folder of pairs, or one HDF5 file.
        pattern: pattern of the sequence's file in a tree.
        only: the one sequence's folder to look at, in a tree.

    Raises:
        DataError: nothing readable lies there, or sequences of no known kind.
    """
    if parts_of(path) and only is None:
        return Hdf5Store(path, _modality_of_part(parts_of(path)[0]))
    if (path / PAIR_FILE).is_file():
        return open_pairs(path)
    tree = PickleTree(path, {"pose": pattern}, only)
    if path.joinpath(*tree.keys[0], MAP_LINK).exists():
        return open_pairs(path)
    first = tree.file(tree.keys[0], "pose")
    header = read_pickled_header(first)
    for modality in get_args(Modality):
        try:
            check_modality(header, modality, first)
        except ShapeError:
            continue
        return PickleTree(path, {modality: pattern}, only)
    found = f"an array {header.shape} of {header.dtype}"
    raise ShapeError(first, found, "poses, maps or silhouettes", "check the folder and --pattern")


def _modality_of_part(part: Path) -> Modality:
    try:
        with h5py.File(part, "r") as file:
            modality = file.attrs["modality"]
    except (OSError, KeyError) as error:
        raise DataError(part, f"a damaged file ({error})", "a part of an HDF5 store", "write it again") from error
    if modality not in get_args(Modality):
        raise DataError(part, f"a store of {modality}", "poses, maps or silhouettes", "choose another file")
    return cast("Modality", modality)
