"""Writing a dataset a piece at a time, so that many processes can, into a pickle tree or HDF5 parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.arrays import read_pickled_array
from skelgait.storage.checks import check_modality
from skelgait.storage.hdf5 import Hdf5Store, keys_of, parts_of, write_part
from skelgait.storage.pickle_tree import PickleTreeWriter
from skelgait.storage.source import Key, Modality

Arrays = Sequence[tuple[Key, NDArray[Any]]]


class PieceWriter(Protocol):
    """Takes pieces of a dataset, by their index and their keys."""

    def finished(self, index: int, keys: Sequence[Key]) -> set[Key]:
        """Those of `keys` that are there, whole."""
        ...

    def write(self, index: int, keys: Sequence[Key], arrays: Arrays) -> None:
        """Add the arrays of some of `keys`, the keys of piece `index`.

        Raises:
            DataError: they cannot be written.
        """
        ...

    def finish(self, n_pieces: int) -> None:
        """Called once when all pieces are written."""
        ...


def open_pieces(
    out: Path, storage: Literal["pkl", "hdf5"], modality: Modality, *, source: str, settings: Mapping[str, object]
) -> PieceWriter:
    """A writer into `out`.

    Args:
        out: root of the pickle tree, or folder of the HDF5 parts, one a piece.
        storage: which of the two.
        modality: what the arrays are.
        source: where the dataset comes from, written into the parts.
        settings: how it is made, written into the parts.
    """
    return _Tree(out, modality) if storage == "pkl" else _Parts(out, modality, source, settings)


@dataclass(frozen=True)
class _Tree:
    out: Path
    modality: Modality

    def finished(self, index: int, keys: Sequence[Key]) -> set[Key]:
        tree = PickleTreeWriter(self.out)
        return {key for key in keys if self._is_whole(tree.file(key))}

    def write(self, index: int, keys: Sequence[Key], arrays: Arrays) -> None:
        tree = PickleTreeWriter(self.out)
        for key, array in arrays:
            tree.write(key, array)

    def finish(self, n_pieces: int) -> None:
        """Nothing is left to do."""

    def _is_whole(self, path: Path) -> bool:
        if not path.is_file():
            return False
        try:
            check_modality(read_pickled_array(path), self.modality, path)
        except DataError:
            return False
        return True


@dataclass(frozen=True)
class _Parts:
    out: Path
    modality: Modality
    source: str
    settings: Mapping[str, object]

    def finished(self, index: int, keys: Sequence[Key]) -> set[Key]:
        return set(keys) & set(self._there(index))

    def write(self, index: int, keys: Sequence[Key], arrays: Arrays) -> None:
        if not arrays:
            return
        part, by_key = self._part(index), dict(arrays)
        kept = [key for key in self._there(index) if key in keys and key not in by_key]
        if kept:
            store = Hdf5Store(part, self.modality)
            by_key.update((key, store.read(key)[0]) for key in kept)
        write_part(part, sorted(by_key.items()), self.modality, source=self.source, settings=self.settings)

    def finish(self, n_pieces: int) -> None:
        # Parts past the last piece are from a larger dataset that lay here before.
        for part in parts_of(self.out):
            if part not in map(self._part, range(n_pieces)):
                part.unlink()

    def _part(self, index: int) -> Path:
        return self.out / f"part-{index:05d}.h5"

    def _there(self, index: int) -> list[Key]:
        part = self._part(index)
        try:
            return keys_of(part) if part.is_file() else []
        except DataError:  # a damaged part is written again
            return []
