"""Opening what lies at a path, whichever storage it is in."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import cast, get_args

from skelgait.errors import DataError, ShapeError
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.checks import check_modality
from skelgait.storage.hdf5 import Hdf5Store, modality_of, parts_of
from skelgait.storage.pair_file import read_pair_file
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, SILHOUETTE_LINK, PairSource
from skelgait.storage.pickle_tree import PickleTree
from skelgait.storage.source import Key, Modality, SequenceSource


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
    (maps, silhouettes, pattern), pairs = read_pair_file(pair_file)
    return PairSource(path, open_source(maps, "map"), open_source(silhouettes, "silhouette", pattern), pairs)


def open_any(path: Path, pattern: str = "*.pkl", only: Path | None = None) -> SequenceSource:
    """Open what lies at `path`, and find out what it is: pairs, poses, maps or silhouettes.

    Args:
        path: root of a tree, folder of HDF5 parts, folder of pairs, or one HDF5 file.
        pattern: pattern of the sequence's file in a tree.
        only: the one folder to look at in a tree, of a sequence, a condition or an identity.

    Raises:
        DataError: nothing readable lies there, or sequences of no known kind.
    """
    if path.name == PAIR_FILE:
        path = path.parent
    if (path / PAIR_FILE).is_file():
        return open_pairs(path)
    if parts_of(path) and only is None:
        return Hdf5Store(path, modality_of(parts_of(path)[0]))
    tree = PickleTree(path, {"pose": pattern}, only)
    if path.joinpath(*tree.keys[0], MAP_LINK).exists():
        return open_pairs(path)
    return PickleTree(path, {_modality_in(tree): pattern}, only)


def open_sequence(path: Path, pattern: str = "*.pkl") -> tuple[SequenceSource, Key] | None:
    """The source and the key of one sequence in a tree, whose folder or file a path points to; None for other paths.

    Args:
        path: the folder of the sequence, or the file in it.
        pattern: pattern of the file in the folder.

    Raises:
        DataError: it is a sequence of no known kind.
    """
    # A sequence is called as its folders are, wherever links may lead.
    folder = Path(os.path.abspath(path.parent if path.suffix == ".pkl" else path))  # noqa: PTH100
    if len(folder.parts) <= 3 or not any(folder.glob("*.pkl")):
        return None
    name = path.name if path.suffix == ".pkl" else pattern
    return open_any(folder.parents[2], name, only=folder), Key(*folder.parts[-3:])


def _modality_in(tree: PickleTree) -> Modality:
    """What the sequences of a tree are, by the first one whose header can be read."""
    unreadable: DataError | None = None
    for key in tree.keys:
        try:
            path = tree.file(key, "pose")
            header = read_pickled_header(path)
        except DataError as error:
            unreadable = unreadable or error
            continue
        for modality in get_args(Modality):
            with suppress(ShapeError):
                check_modality(header, modality, path)
                return cast("Modality", modality)
        found = f"an array {header.shape} of {header.dtype}"
        raise ShapeError(path, found, "poses, maps or silhouettes", "check the folder and --pattern")
    raise unreadable or DataError(tree.path, "no sequence", "sequences", "check the folder")
