"""Pickle tree: ROOT/<identity>/<condition>/<view>/<file>.pkl, one array in each file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast, get_args

from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike, ShapeError
from skelgait.storage.arrays import read_pickled_array, read_pickled_header, write_pickled_array
from skelgait.storage.atomic import linked_folder
from skelgait.storage.checks import check_modality
from skelgait.storage.frame_names import (
    FOLDER,
    frame_names_file,
    frame_names_text,
    read_frame_names,
    write_frame_names,
)
from skelgait.storage.names import check_frame_names, check_key
from skelgait.storage.pairs import MAP_LINK, SILHOUETTE_LINK
from skelgait.storage.pickle_sums import verify_pickle
from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource
from skelgait.storage.times import joint_time_ns


class PickleTree(SequenceSource):
    """Source of sequences in a tree of pickle files.

    Args:
        path: root of the tree.
        patterns: pattern of the file in a sequence folder, for each modality.
        only: folder of a sequence, a condition or an identity to restrict the tree to; None: the whole tree.

    Raises:
        DataError: if the folder does not exist, or no sequence has a file for every pattern.
    """

    title = "a pickle tree"

    def __init__(self, path: PathLike, patterns: Mapping[Modality, str], only: Path | None = None) -> None:
        self.path = Path(path)
        self._only = only
        self.modalities: tuple[Modality, ...] = tuple(patterns)
        self._patterns = dict(patterns)
        self._files = dict(sorted(self._scan()))
        self.keys = list(self._files)
        if not self.keys:
            raise self._no_sequence()

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
        indices = choose(len(arrays[0]))  # called once, because the choice may be random
        return tuple(array[indices] for array in arrays)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`; only the header of the file is read."""
        path = self.file(key, self.modalities[0])
        return check_modality(read_pickled_header(path), self.modalities[0], path)

    def verify(self, key: Key) -> bool:
        """See `SequenceSource.verify`."""
        paths = [self.file(key, modality) for modality in self.modalities]
        has_sums = [verify_pickle(path) for path in paths]
        self.read(key)
        return all(has_sums)

    def frame_names(self, key: Key) -> list[str] | None:
        """See `SequenceSource.frame_names`."""
        return read_frame_names(self.file(key, self.modalities[0]), self.length(key))

    def modified_ns(self, key: Key) -> int:
        """See `SequenceSource.modified_ns`."""
        paths = [self.file(key, modality) for modality in self.modalities]
        try:
            return joint_time_ns([path.stat().st_mtime_ns for path in paths])
        except OSError as error:
            raise read_error(paths[0], error) from error

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self.file(key, self.modalities[0]).name.removesuffix(".pkl")

    @property
    def metadata_folder(self) -> Path:
        """See `SequenceSource.metadata_folder`; the files may be links into another tree."""
        return self.file(self.keys[0], self.modalities[0]).resolve().parents[3]

    def file(self, key: Key, modality: Modality) -> Path:
        """Return the file of one modality of a sequence.

        Raises:
            DataError: if there is no such sequence, or several files match the pattern.
        """
        folder = self.path.joinpath(*key)
        if key not in self._files:
            raise DataError(folder, "no such sequence", "a key of this tree", "open the tree again")
        names = self._files[key][self.modalities.index(modality)]
        if len(names) > 1:
            pattern = self._patterns[modality]
            raise DataError(
                folder,
                f"{len(names)} files that match {pattern} ({', '.join(names)})",
                "one file",
                "give --dataset to use the file pattern of the dataset, or keep one file in the folder",
            )
        return folder / names[0]

    def _scan(self) -> Iterator[tuple[Key, list[list[str]]]]:
        top = self._only or self.path
        for folder in _folders_below(top, 3 - len(top.parts) + len(self.path.parts)):
            names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
            matches = [[n for n in names if fnmatchcase(n, pattern)] for pattern in self._patterns.values()]
            if all(matches):
                key = Key(*folder.parts[-3:])
                check_key(key, os.fspath(folder), "rename the folder")
                yield key, matches

    def _no_sequence(self) -> DataError:
        file = next((self._only or self.path).rglob("*.pkl"), None)
        return DataError(
            self.path,
            f"no such file, but there is {file.relative_to(self.path)}" if file else "no such file",
            f"sequences at <identity>/<condition>/<view>/{' and '.join(self._patterns.values())}",
            "check the folder and --dataset",
        )


def open_pair_tree(path: Path) -> PickleTree:
    """Open a tree of linked pairs.

    Raises:
        DataError: if no pair can be read.
    """
    return PickleTree(path, {"map": MAP_LINK, "silhouette": SILHOUETTE_LINK})


def open_tree(path: Path, pattern: str = "*.pkl", only: Path | None = None) -> PickleTree:
    """Open a pickle tree and detect its content: pairs, poses, maps or silhouettes.

    Args:
        path: root of the tree.
        pattern: pattern of the file in a sequence folder.
        only: folder of a sequence, a condition or an identity to restrict the tree to; None: the whole tree.

    Raises:
        DataError: if no sequence can be read, or the arrays are of no known kind.
    """
    tree = PickleTree(path, {"pose": pattern}, only)
    if path.joinpath(*tree.keys[0], MAP_LINK).exists():
        return open_pair_tree(path)
    return PickleTree(path, {_detect_modality(tree): pattern}, only)


def _detect_modality(tree: PickleTree) -> Modality:
    """Return the modality of the first sequence with a readable header."""
    first_error: DataError | None = None
    for key in tree.keys:
        try:
            path = tree.file(key, "pose")
            header = read_pickled_header(path)
        except DataError as error:
            first_error = first_error or error
            continue
        for modality in get_args(Modality):
            with suppress(ShapeError):
                check_modality(header, modality, path)
                return cast("Modality", modality)
        found = f"an array {header.shape} of {header.dtype}"
        raise ShapeError(path, found, "poses, maps or silhouettes", "check the folder and --pattern")
    raise first_error or DataError(tree.path, "no sequence", "sequences", "check the folder")


class PickleTreeWriter:
    """Writer of a tree that `PickleTree` reads; every file is written atomically.

    Args:
        path: root of the tree.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)

    def file(self, key: Key, name: str | None = None) -> Path:
        """Return the path of a sequence's file.

        Args:
            key: the sequence.
            name: file name without its suffix; None: the view.
        """
        return self.path.joinpath(*key, f"{name or key.view}.pkl")

    def write(
        self,
        key: Key,
        array: NDArray[Any],
        name: str | None = None,
        modified_ns: int | None = None,
        frame_names: Sequence[str] | None = None,
    ) -> Path:
        """Write one sequence and return its file.

        Args:
            key: the sequence.
            array: its frames.
            name: file name without its suffix; None: the view.
            modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.
            frame_names: names of the frames; None: unknown.

        Raises:
            DataError: if the file cannot be written, or a folder of the tree is a link to another tree.
        """
        path = self.file(key, name)
        check_key((*key, name or key.view), os.fspath(path), "use another name")
        check_frame_names(frame_names, os.fspath(path))
        for file in (path.absolute(), frame_names_file(path)):
            self._refuse_link(file)
        write_frame_names(path, frame_names)
        write_pickled_array(path, array, modified_ns, None if frame_names is None else frame_names_text(frame_names))
        return path

    def _refuse_link(self, file: Path) -> None:
        link = linked_folder(self.path.absolute(), file)
        if link is not None:
            found = f"a link to {link.readlink()}, where this would change files"
            hint = "remove the link, or link the whole tree"
            raise DataError(link, found, "a folder", hint)


def read_error(path: Path, error: OSError, expected: str = "a file that can be read") -> DataError:
    """Return the error for a file or folder that cannot be read."""
    return DataError(path, error.strerror or str(error), expected, "check the path and its permissions")


def _folders_below(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folders `depth` levels below a folder, sorted, except those with names of frames."""
    if not depth:
        yield folder
        return
    try:
        folders = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name != FOLDER)
    except OSError as error:
        raise read_error(Path(error.filename or folder), error, "a folder") from error
    for inner in folders:
        yield from _folders_below(inner, depth - 1)
