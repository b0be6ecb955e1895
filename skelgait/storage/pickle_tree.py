"""Sequences in a folder tree: ROOT/<identity>/<condition>/<view>/<file>.pkl, one array a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.arrays import read_pickled_array, read_pickled_header, write_pickled_array
from skelgait.storage.checks import check_modality
from skelgait.storage.frame_names import FOLDER, read_frame_names, write_frame_names
from skelgait.storage.source import FrameChoice, Key, Modality


class PickleTree:
    """A `SequenceSource` on a tree of pickle files.

    Args:
        path: the root of the tree.
        patterns: for each modality the pattern of its file in a sequence folder.
        only: the one folder to look at, of a sequence, a condition or an identity; the whole tree where None.

    Raises:
        DataError: there is no such folder, or no sequence in it has a file for every pattern.
    """

    def __init__(self, path: Path, patterns: Mapping[Modality, str], only: Path | None = None) -> None:
        self.path = path
        self._only = only
        self.modalities: tuple[Modality, ...] = tuple(patterns)
        self._patterns = dict(patterns)
        self._files = dict(sorted(self._scan()))
        self.keys = list(self._files)
        if not self.keys:
            raise self._nothing_found()

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`."""
        paths = [self.file(key, modality) for modality in self.modalities]
        arrays = [
            check_modality(read_pickled_array(path), modality, path)
            for path, modality in zip(paths, self.modalities, strict=True)
        ]
        for path, array in zip(paths[1:], arrays[1:], strict=True):
            if len(array) != len(arrays[0]):
                found, expected = f"{len(array)} frames", f"{len(arrays[0])} as in {paths[0].name}"
                raise DataError(path, found, expected, "link the pairs again with `skelgait link`")
        if choose is None:
            return tuple(arrays)
        chosen = choose(len(arrays[0]))  # once, as the choice may be random
        return tuple(array[chosen] for array in arrays)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`; the file's header alone is read."""
        path = self.file(key, self.modalities[0])
        return check_modality(read_pickled_header(path), self.modalities[0], path)

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        return len(self.header(key))

    def frame_names(self, key: Key) -> list[str] | None:
        """See `SequenceSource.frame_names`."""
        return read_frame_names(self.file(key, self.modalities[0]), self.length(key))

    def modified_ns(self, key: Key) -> int:
        """See `SequenceSource.modified_ns`."""
        paths = [self.file(key, modality) for modality in self.modalities]
        try:
            return max(path.stat().st_mtime_ns for path in paths)
        except OSError as error:
            raise read_error(paths[0], error) from error

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self.file(key, self.modalities[0]).name.removesuffix(".pkl")

    def file(self, key: Key, modality: Modality) -> Path:
        """The file of one modality of a sequence.

        Raises:
            DataError: there is no such sequence, or several files fit the modality's pattern.
        """
        folder = self.path.joinpath(*key)
        if key not in self._files:
            raise DataError(folder, "no such sequence", "one of those that were there", "try again")
        names = self._files[key][self.modalities.index(modality)]
        if len(names) > 1:
            pattern = self._patterns[modality]
            raise DataError(
                folder,
                f"{len(names)} files that fit {pattern} ({', '.join(names)})",
                "one",
                "name the dataset with --dataset to use its own file pattern, or leave one file in the folder",
            )
        return folder / names[0]

    def _scan(self) -> Iterator[tuple[Key, list[list[str]]]]:
        top = self._only or self.path
        for folder in _folders_below(top, 3 - len(top.parts) + len(self.path.parts)):
            names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
            fitting = [[n for n in names if fnmatchcase(n, pattern)] for pattern in self._patterns.values()]
            if all(fitting):
                yield Key(*folder.parts[-3:]), fitting

    def _nothing_found(self) -> DataError:
        wanted = " and ".join(self._patterns.values())
        some = next((self._only or self.path).rglob("*.pkl"), None)
        found = f"no such file; there is {some.relative_to(self.path)}" if some else "no such file"
        return DataError(
            self.path,
            found,
            f"sequences at <identity>/<condition>/<view>/{wanted}",
            "check the folder and the dataset's name",
        )


class PickleTreeWriter:
    """Writes a tree that `PickleTree` reads; every file whole or not at all.

    Args:
        path: the root of the tree.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, key: Key, name: str | None = None) -> Path:
        """Where a sequence goes: file `name`.pkl in its folder, named after the view where None."""
        return self.path.joinpath(*key, f"{name or key.view}.pkl")

    def write(
        self,
        key: Key,
        array: NDArray[Any],
        name: str | None = None,
        as_of_ns: int | None = None,
        frame_names: Sequence[str] | None = None,
    ) -> Path:
        """Write one sequence, with the date `as_of_ns` and the names of its frames, and return its file.

        Raises:
            DataError: the file cannot be written.
        """
        path = self.file(key, name)
        write_frame_names(path, frame_names)
        write_pickled_array(path, array, as_of_ns)
        return path


def read_error(path: Path, error: OSError, expected: str = "a file that can be read") -> DataError:
    """The error of a file or folder that cannot be read."""
    return DataError(path, error.strerror or str(error), expected, "check the path and its permissions")


def _folders_below(folder: Path, depth: int) -> Iterator[Path]:
    """The folders so many levels below a folder, sorted, but for those with names of frames."""
    if not depth:
        yield folder
        return
    try:
        folders = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name != FOLDER)
    except OSError as error:
        raise read_error(Path(error.filename or folder), error, "a folder") from error
    for inner in folders:
        yield from _folders_below(inner, depth - 1)
