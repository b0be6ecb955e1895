"""Writing a dataset a piece at a time, so that many processes can, into a pickle tree or HDF5 parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.checks import check_modality
from skelgait.storage.hdf5 import Hdf5Store, index_of, parts_of
from skelgait.storage.parts import Compression, Index, write_part
from skelgait.storage.pickle_tree import PickleTree, PickleTreeWriter
from skelgait.storage.source import Key, Modality

Piece = tuple[int, Sequence[Key]]
"""A piece of a dataset: its number, and its keys."""

_PIECES = 64
_LARGEST_PIECE = 512


def cut_into_pieces(keys: Sequence[Key]) -> list[Piece]:
    """Cut sorted keys into pieces by their number alone, so that every run cuts them alike."""
    size = max(1, min(len(keys) // _PIECES, _LARGEST_PIECE))
    return [(start // size, keys[start : start + size]) for start in range(0, len(keys), size)]


class PieceWriter(Protocol):
    """Takes pieces of a dataset."""

    def finished(self, piece: Piece) -> dict[Key, float]:
        """Those of a piece's sequences that are there, whole, and when they were written (seconds since the epoch)."""
        ...

    def write(self, piece: Piece, lengths: Mapping[Key, int], arrays: Iterable[NDArray[Any]]) -> None:
        """Add some sequences of a piece; others of it that are there stay.

        Args:
            piece: the piece.
            lengths: the sequences, in the order of its keys, and their numbers of frames.
            arrays: their arrays, one after the other.

        Raises:
            DataError: they cannot be written; those written before stay.
        """
        ...

    def finish(self, n_pieces: int) -> None:
        """Called once when all pieces are written."""
        ...


def view_of(key: Key) -> str:
    """The view: what the file of a sequence is called where nothing else is said."""
    return key.view


def open_pieces(
    out: Path,
    storage: Literal["pkl", "hdf5"],
    modality: Modality,
    *,
    source: str,
    settings: Mapping[str, object],
    compression: Compression = "lz4hc",
    name: Callable[[Key], str] = view_of,
) -> PieceWriter:
    """A writer into `out`.

    Args:
        out: root of the pickle tree, or folder of the HDF5 parts, one a piece.
        storage: which of the two.
        modality: what the arrays are.
        source: where the dataset comes from, written into the parts.
        settings: how it is made, written into the parts.
        compression: how frames are packed in HDF5.
        name: from a sequence to the name of its file in a tree, without the ending.
    """
    if storage == "pkl":
        return _Tree(out, modality, name)
    return _Parts(out, modality, source, settings, compression, name)


def holds_sequences(out: Path) -> bool:
    """Whether there are any sequences in `out`, in either storage."""
    return out.is_dir() and (bool(parts_of(out)) or next(out.glob("*/*/*/*.pkl"), None) is not None)


def remove_sequences(out: Path, modality: Modality) -> None:
    """Remove all sequences of a modality that lie in `out`, in either storage; other files stay.

    Raises:
        DataError: a file cannot be removed.
    """
    for part in parts_of(out) if out.is_dir() else []:
        part.unlink()
    try:
        tree = PickleTree(out, {modality: "*.pkl"})
    except DataError:  # there is none
        return
    for key in tree.keys:
        try:
            tree.length(key)
        except DataError:  # no sequence of this modality
            continue
        tree.file(key, modality).unlink()


@dataclass(frozen=True)
class _Tree:
    out: Path
    modality: Modality
    name: Callable[[Key], str]

    def finished(self, piece: Piece) -> dict[Key, float]:
        tree = PickleTreeWriter(self.out)
        files = {key: tree.file(key, self.name(key)) for key in piece[1]}
        return {key: path.stat().st_mtime for key, path in files.items() if self._is_whole(path)}

    def write(self, piece: Piece, lengths: Mapping[Key, int], arrays: Iterable[NDArray[Any]]) -> None:
        tree = PickleTreeWriter(self.out)
        for key, array in zip(lengths, arrays, strict=True):
            tree.write(key, array, self.name(key))

    def finish(self, n_pieces: int) -> None:
        """Nothing is left to do."""

    def _is_whole(self, path: Path) -> bool:
        try:
            # A header tells that a file is cut off, too.
            check_modality(read_pickled_header(path), self.modality, path)
        except DataError:
            return False
        return True


@dataclass(frozen=True)
class _Parts:
    out: Path
    modality: Modality
    source: str
    settings: Mapping[str, object]
    compression: Compression
    name: Callable[[Key], str]

    def finished(self, piece: Piece) -> dict[Key, float]:
        part = self._part(piece[0])
        return dict.fromkeys(set(piece[1]) & self._there(part), part.stat().st_mtime if part.is_file() else 0.0)

    def write(self, piece: Piece, lengths: Mapping[Key, int], arrays: Iterable[NDArray[Any]]) -> None:
        if not lengths:
            return
        part = self._part(piece[0])
        kept = (self._there(part) & set(piece[1])) - set(lengths)
        store = Hdf5Store(part, self.modality) if kept else None
        all_lengths = {**lengths, **({key: store.length(key) for key in kept} if store else {})}
        keys, fresh = [key for key in piece[1] if key in all_lengths], iter(arrays)
        write_part(
            part,
            Index(keys, [0, *accumulate(all_lengths[key] for key in keys)], [self.name(key) for key in keys]),
            (store.read(key)[0] if store and key in kept else next(fresh) for key in keys),
            self.modality,
            source=self.source,
            settings=self.settings,
            compression=self.compression,
        )

    def finish(self, n_pieces: int) -> None:
        # Parts past the last piece are from a larger dataset that lay here before.
        for part in parts_of(self.out):
            if part not in map(self._part, range(n_pieces)):
                part.unlink()

    def _part(self, index: int) -> Path:
        return self.out / f"part-{index:05d}.h5"

    def _there(self, part: Path) -> set[Key]:
        try:
            return set(index_of(part, self.modality).keys) if part.is_file() else set()
        except DataError:  # a damaged part is written again
            return set()
