"""Writing a dataset a chunk at a time, so that many processes can, into a pickle tree or HDF5 parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.atomic import remove_file
from skelgait.storage.checks import check_modality
from skelgait.storage.frame_names import frame_names_file
from skelgait.storage.hdf5 import Hdf5Store, index_of, modality_of, parts_of
from skelgait.storage.pickle_tree import PickleTree, PickleTreeWriter
from skelgait.storage.shards import Compression, Index, write_part
from skelgait.storage.source import Key, Modality

Chunk = tuple[int, Sequence[Key]]
"""A chunk of a dataset: its number, and its keys."""

_PIECES = 64
_LARGEST_PIECE = 512


def cut_into_pieces(keys: Sequence[Key]) -> list[Chunk]:
    """Cut sorted keys into chunks by their number alone, so that every run cuts them alike."""
    size = max(1, min(len(keys) // _PIECES, _LARGEST_PIECE))
    return [(start // size, keys[start : start + size]) for start in range(0, len(keys), size)]


class Entry(NamedTuple):
    """A sequence that is about to be written.

    Attributes:
        length: its number of frames.
        as_of_ns: when its source was written, in nanoseconds since the epoch.
        frame_names: the names of its frames, where they are known.
    """

    length: int
    as_of_ns: int
    frame_names: Sequence[str] | None = None


class ChunkWriter(Protocol):
    """Takes chunks of a dataset. What it writes bears the date of its source, so that a later change there shows."""

    def plan(self, keys: Sequence[Key]) -> list[Chunk]:
        """How a dataset is cut into chunks; what is there already, of a smaller dataset, keeps its place.

        Raises:
            DataError: what is there is of another modality.
        """
        ...

    def finished(self, chunk: Chunk) -> dict[Key, int]:
        """Those of a chunk's sequences that are there, whole, and their dates, in nanoseconds since the epoch."""
        ...

    def write(self, chunk: Chunk, entries: Mapping[Key, Entry], arrays: Iterable[NDArray[Any]]) -> None:
        """Add some sequences of a chunk; others of it that are there stay.

        Args:
            chunk: the chunk.
            entries: the sequences, in the order of its keys.
            arrays: their arrays, one after the other.

        Raises:
            DataError: they cannot be written; those written before stay.
        """
        ...

    def finish(self, chunks: Sequence[Chunk]) -> None:
        """Called once when all chunks are written."""
        ...


def view_of(key: Key) -> str:
    """The view: what the file of a sequence is called where nothing else is said."""
    return key.view


def open_writer(
    out: Path,
    storage: Literal["pkl", "hdf5"],
    modality: Modality,
    *,
    source: str,
    settings: Mapping[str, object],
    compression: Compression = "lz4hc",
    name: Callable[[Key], str] = view_of,
) -> ChunkWriter:
    """A writer into `out`.

    Args:
        out: root of the pickle tree, or folder of the HDF5 parts, one a chunk.
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
    for part in parts_of(out):
        remove_file(part)
    for partial in out.glob(".part-*.h5.partial"):
        remove_file(partial)
    try:
        tree = PickleTree(out, {modality: "*.pkl"})
    except DataError:  # there is none
        return
    for key in tree.keys:
        try:
            tree.header(key)
        except DataError:  # no sequence of this modality
            continue
        for path in (tree.file(key, modality), frame_names_file(tree.file(key, modality))):
            remove_file(path)
            for folder in list(path.parents)[:3]:
                with suppress(OSError):  # not empty
                    folder.rmdir()


@dataclass(frozen=True)
class _Tree:
    out: Path
    modality: Modality
    name: Callable[[Key], str]

    def plan(self, keys: Sequence[Key]) -> list[Chunk]:
        return cut_into_pieces(keys)

    def finished(self, chunk: Chunk) -> dict[Key, int]:
        tree = PickleTreeWriter(self.out)
        files = {key: tree.file(key, self.name(key)) for key in chunk[1]}
        return {key: path.stat().st_mtime_ns for key, path in files.items() if self._is_whole(path)}

    def write(self, chunk: Chunk, entries: Mapping[Key, Entry], arrays: Iterable[NDArray[Any]]) -> None:
        tree = PickleTreeWriter(self.out)
        for (key, entry), array in zip(entries.items(), arrays, strict=True):
            tree.write(key, array, self.name(key), entry.as_of_ns, entry.frame_names)

    def finish(self, chunks: Sequence[Chunk]) -> None:
        """Nothing is left to do."""

    def _is_whole(self, path: Path) -> bool:
        if not path.is_file():
            return False
        try:
            # A header tells that a file is cut off, too.
            header = read_pickled_header(path)
        except DataError:  # a damaged file is written again
            return False
        check_modality(header, self.modality, path)
        return True


@dataclass(frozen=True)
class _Parts:
    out: Path
    modality: Modality
    source: str
    settings: Mapping[str, object]
    compression: Compression
    name: Callable[[Key], str]

    def plan(self, keys: Sequence[Key]) -> list[Chunk]:
        there = {part: self._there(part) for part in parts_of(self.out)}
        chunks = cut_into_pieces(keys)
        cut = {self._part(number): set(own) for number, own in chunks}
        if all(own <= cut.get(part, set()) for part, own in there.items()):
            return chunks
        # The dataset was another one: its parts stay as they are, and what is new goes into further parts.
        numbers = {part: int(part.stem.split("-")[1]) for part in there}
        old = [(numbers[part], sorted(own & set(keys))) for part, own in there.items() if own & set(keys)]
        known = {key for own in there.values() for key in own}
        first = max(numbers.values()) + 1
        new = cut_into_pieces([key for key in keys if key not in known])
        return [*old, *((first + number, own) for number, own in new)]

    def finished(self, chunk: Chunk) -> dict[Key, int]:
        part = self._part(chunk[0])
        there = set(chunk[1]) & self._there(part)
        return dict.fromkeys(there, part.stat().st_mtime_ns) if there else {}

    def write(self, chunk: Chunk, entries: Mapping[Key, Entry], arrays: Iterable[NDArray[Any]]) -> None:
        if not entries:
            return
        part = self._part(chunk[0])
        kept = (self._there(part) & set(chunk[1])) - set(entries)
        store = Hdf5Store(part, self.modality) if kept else None
        lengths = {key: entry.length for key, entry in entries.items()}
        lengths |= {key: store.length(key) for key in kept} if store else {}
        frame_names = {key: entry.frame_names for key, entry in entries.items()}
        frame_names |= {key: store.frame_names(key) for key in kept} if store else {}
        keys, fresh = [key for key in chunk[1] if key in lengths], iter(arrays)
        dates = [entry.as_of_ns for entry in entries.values()]
        write_part(
            part,
            Index(
                keys,
                [0, *accumulate(lengths[key] for key in keys)],
                [self.name(key) for key in keys],
                [frame_names[key] for key in keys],
            ),
            (store.read(key)[0] if store and key in kept else next(fresh) for key in keys),
            self.modality,
            source=self.source,
            settings=self.settings,
            compression=self.compression,
            as_of_ns=max([*dates, part.stat().st_mtime_ns] if kept else dates),
        )

    def finish(self, chunks: Sequence[Chunk]) -> None:
        # Other parts are damaged, or hold nothing that the dataset still has.
        own = {self._part(number) for number, _ in chunks}
        for part in parts_of(self.out):
            if part not in own:
                remove_file(part)

    def _part(self, number: int) -> Path:
        return self.out / f"part-{number:05d}.h5"

    def _there(self, part: Path) -> set[Key]:
        if not part.is_file():
            return set()
        try:
            there = modality_of(part)
            if there == self.modality:
                return set(index_of(part, there).keys)
        except DataError:  # a damaged part is written again
            return set()
        raise DataError(part, f"a store of {there}s", f"one of {self.modality}s", "name another folder")
