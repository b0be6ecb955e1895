"""Search for files in a folder tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import NamedTuple, NoReturn

from skelgait.errors import DataError
from skelgait.raw.keys import PathParts
from skelgait.raw.natural_sort import natural_sort

# Enough folders to recognize a layout.
_SAMPLED_FOLDERS = 40


class Folder(NamedTuple):
    """Folder that contains matching files.

    Attributes:
        parts: folder names of the path relative to the root.
        path: path of the folder.
        names: names of the matching files, in natural order.
    """

    parts: PathParts
    path: Path
    names: list[str]


def walk_folders(root: Path, pattern: str) -> Iterator[Folder]:
    """Yield the folders at and below `root` that contain matching files, sorted by name.

    Hidden files and folders are skipped. Links to folders are followed, except links to a parent folder.

    Args:
        root: folder to search.
        pattern: glob pattern of file names, case-insensitive.

    Raises:
        DataError: if a folder cannot be read.
    """
    for path, subfolders, files in os.walk(root, onerror=_raise, followlinks=True):
        visible = sorted(name for name in subfolders if not name.startswith("."))
        subfolders[:] = [name for name in visible if not _is_link_to_parent(Path(path, name))]
        names = _matching(files, pattern)
        if names:
            folder = Path(path)
            yield Folder(folder.relative_to(root).parts, folder, names)


def sample_files(root: Path) -> list[Path]:
    """Return the files in the first folders at and below `root`, or `root` itself if it is a file.

    Raises:
        DataError: if `root` does not exist or cannot be read.
    """
    if root.is_file():
        return [root]
    first = islice(walk_folders(root, "*"), _SAMPLED_FOLDERS)
    return [folder.path / name for folder in first for name in folder.names]


def list_files(folder: Path, pattern: str) -> list[Path]:
    """Return the matching files in a folder, without subfolders, in natural order.

    Raises:
        DataError: if the folder cannot be read.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError as error:
        _raise(error)
    return [folder / name for name in _matching(names, pattern)]


def _matching(names: Iterable[str], pattern: str) -> list[str]:
    matching = (name for name in names if fnmatchcase(name.lower(), pattern.lower()))
    return natural_sort(name for name in matching if not name.startswith("."))


def _is_link_to_parent(folder: Path) -> bool:
    """Return True if a folder is a link to one of its parents; following it would not end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _raise(error: OSError) -> NoReturn:
    hint = "check the path and its permissions"
    raise DataError(error.filename, error.strerror or str(error), "a folder that can be read", hint) from error
