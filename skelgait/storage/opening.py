"""Opening sequences at a path, in any storage."""

from __future__ import annotations

import os
from pathlib import Path

from skelgait.errors import PathLike
from skelgait.storage.backends import ANY_PICKLE, backend_at
from skelgait.storage.pairs import PAIR_FILE, PairSource
from skelgait.storage.pickle_tree import open_pair_tree, open_tree
from skelgait.storage.source import Key, Modality, SequenceSource


def open_source(path: PathLike, modality: Modality, pattern: str = ANY_PICKLE) -> SequenceSource:
    """Open sequences of one modality, in any storage.

    Args:
        path: root of a pickle tree, folder of an HDF5 store, or one HDF5 file.
        modality: "pose", "map" or "silhouette".
        pattern: pattern of the file in a sequence folder of a pickle tree.

    Raises:
        DataError: if no sequence can be read.
    """
    path = Path(path)
    return backend_at(path).open(path, modality, pattern)


def open_pairs(path: PathLike) -> SequenceSource:
    """Open linked pairs of maps and silhouettes: a tree of links, or a folder with a pair file.

    Raises:
        DataError: if no pair can be read.
    """
    path = Path(path)
    if not (path / PAIR_FILE).is_file():
        return open_pair_tree(path)
    from skelgait.storage.pair_file import read_pair_file

    (maps, silhouettes, pattern), pairs = read_pair_file(path / PAIR_FILE)
    return PairSource(path, open_source(maps, "map"), open_source(silhouettes, "silhouette", pattern), pairs)


def open_any(path: PathLike, pattern: str = ANY_PICKLE, *, only: PathLike | None = None) -> SequenceSource:
    """Open sequences and detect their kind: pairs, poses, maps or silhouettes.

    Args:
        path: root of a pickle tree, folder of an HDF5 store, folder of pairs, or one HDF5 file.
        pattern: pattern of the file in a sequence folder of a pickle tree.
        only: folder of a sequence, a condition or an identity to restrict a pickle tree to; None: all sequences.

    Raises:
        DataError: if no sequence can be read, or the arrays are of no known kind.
    """
    path = Path(path)
    if path.name == PAIR_FILE:
        path = path.parent
    if (path / PAIR_FILE).is_file():
        return open_pairs(path)
    return backend_at(path).open(path, None, pattern) if only is None else open_tree(path, pattern, Path(only))


def open_sequence(path: Path, pattern: str = ANY_PICKLE) -> tuple[SequenceSource, Key] | None:
    """Open one sequence of a pickle tree.

    Args:
        path: folder of the sequence, or the file in it.
        pattern: pattern of the file in the folder.

    Returns:
        The tree and the key of the sequence; None if `path` is not a sequence of a pickle tree.

    Raises:
        DataError: if the array is of no known kind.
    """
    # The key is spelled as the folders of `path`, even if they are links.
    folder = Path(os.path.abspath(path.parent if path.suffix == ".pkl" else path))  # noqa: PTH100
    if len(folder.parts) <= 3 or not any(folder.glob("*.pkl")):
        return None
    name = path.name if path.suffix == ".pkl" else pattern
    return open_any(folder.parents[2], name, only=folder), Key(*folder.parts[-3:])
