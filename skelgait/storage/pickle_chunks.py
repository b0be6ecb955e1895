"""Writing a dataset into a pickle tree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.atomic import remove_below
from skelgait.storage.checks import check_modality
from skelgait.storage.chunks import Chunk, ChunkWriter, SequenceInfo
from skelgait.storage.frame_names import frame_names_file
from skelgait.storage.pickle_tree import PickleTree, PickleTreeWriter
from skelgait.storage.source import Key, Modality


@dataclass(frozen=True)
class PickleChunkWriter(ChunkWriter):
    """Writer of a pickle tree; every sequence has its own file.

    Attributes:
        out: root of the tree.
        modality: modality of the sequences.
        file_name: function from a key to the file name, without its suffix.
    """

    out: Path
    modality: Modality
    file_name: Callable[[Key], str]

    def finished(self, chunk: Chunk) -> dict[Key, int]:
        """See `ChunkWriter.finished`."""
        tree = PickleTreeWriter(self.out)
        files = {key: tree.file(key, self.file_name(key)) for key in chunk.keys}
        return {key: path.stat().st_mtime_ns for key, path in files.items() if self._is_complete(path)}

    def write(self, chunk: Chunk, sequences: Mapping[Key, SequenceInfo], arrays: Iterable[NDArray[Any]]) -> None:
        """See `ChunkWriter.write`."""
        tree = PickleTreeWriter(self.out)
        for (key, info), array in zip(sequences.items(), arrays, strict=True):
            tree.write(key, array, self.file_name(key), info.modified_ns, info.frame_names)

    def others(self, keys: Collection[Key]) -> list[Key]:
        """See `ChunkWriter.others`."""
        try:
            tree = PickleTree(self.out, {self.modality: "*.pkl"})
        except DataError:  # no sequences
            return []
        return [key for key in tree.keys if key not in keys and _files(self.out, key, self.modality)]

    def remove(self, keys: Collection[Key]) -> None:
        """See `ChunkWriter.remove`."""
        for key in keys:
            _remove(self.out, _files(self.out, key, self.modality))

    def _is_complete(self, path: Path) -> bool:
        if not path.is_file():
            return False
        try:
            # Reading the header also detects truncated files.
            header = read_pickled_header(path)
        except DataError:  # damaged files are written again
            return False
        check_modality(header, self.modality, path)
        return True


def remove_pickles(out: Path, modality: Modality) -> None:
    """Remove the sequences of a modality in a pickle tree, the names of their frames, and folders that become empty.

    Raises:
        DataError: if a file cannot be removed.
    """
    try:
        tree = PickleTree(out, {modality: "*.pkl"})
    except DataError:  # no sequences
        return
    for key in tree.keys:
        _remove(out, _files(out, key, modality))


def _files(out: Path, key: Key, modality: Modality) -> list[Path]:
    """Return the undamaged pickle files of a sequence that hold a modality."""
    files = []
    for path in sorted(out.joinpath(*key).glob("*.pkl")):
        with suppress(DataError):  # damaged, or of another modality
            check_modality(read_pickled_header(path), modality, path)
            files.append(path)
    return files


def _remove(out: Path, files: Iterable[Path]) -> None:
    """Remove pickle files, the names of their frames, and folders that become empty. No link is followed."""
    for file in files:
        for path in (file.absolute(), frame_names_file(file)):
            remove_below(out.absolute(), path)
            for folder in list(path.parents)[:3]:
                with suppress(OSError):  # not empty
                    folder.rmdir()
