"""Files below a folder, by the names of the folders on the way to them."""

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

_SURVEYED_FOLDERS = 40


class Folder(NamedTuple):
    """A folder with files in it.

    Attributes:
        parts: the names of the folders on the way to it, from below the root down.
        path: where it is.
        names: its files, in numeric order.
    """

    parts: PathParts
    path: Path
    names: list[str]


def walk_folders(root: Path, pattern: str) -> Iterator[Folder]:
    """The folders in and below `root` that hold files of a pattern, in the order of their names.

    Hidden files and folders are left out; links to folders are followed, but for those that lead back.

    Args:
        root: a folder.
        pattern: of the files' names, in any case.

    Raises:
        DataError: a folder cannot be read.
    """
    for path, subfolders, files in os.walk(root, onerror=_raise, followlinks=True):
        shown = sorted(name for name in subfolders if not name.startswith("."))
        subfolders[:] = [name for name in shown if not _leads_back(Path(path, name))]
        names = _wanted(files, pattern)
        if names:
            folder = Path(path)
            yield Folder(folder.relative_to(root).parts, folder, names)


def sample_files(root: Path) -> list[Path]:
    """Some of the files at `root`, all those of its first folders; itself where it is a file.

    Raises:
        DataError: there is no such file or folder, or it cannot be read.
    """
    if root.is_file():
        return [root]
    first = islice(walk_folders(root, "*"), _SURVEYED_FOLDERS)
    return [folder.path / name for folder in first for name in folder.names]


def list_files(folder: Path, pattern: str) -> list[Path]:
    """The files of a pattern in a folder itself, in numeric order.

    Raises:
        DataError: it cannot be read.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError as error:
        _raise(error)
    return [folder / name for name in _wanted(names, pattern)]


def _wanted(names: Iterable[str], pattern: str) -> list[str]:
    fitting = (name for name in names if fnmatchcase(name.lower(), pattern.lower()))
    return natural_sort(name for name in fitting if not name.startswith("."))


def _leads_back(folder: Path) -> bool:
    """Whether a folder is a link to one that it is in."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _raise(error: OSError) -> NoReturn:
    hint = "check the path and its permissions"
    raise DataError(error.filename, error.strerror or str(error), "a folder that can be read", hint) from error
