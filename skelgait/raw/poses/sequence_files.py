"""Helpers of layouts in which a file holds one or more whole sequences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from skelgait.errors import DataError, is_endless
from skelgait.raw.file_tree import Folder, walk_folders
from skelgait.raw.keys import DEFAULT_LABEL, PathParts

# Limit of common file systems.
_MAX_NAME_LENGTH = 255
_HEAD_BYTES = 65536
# A row of all joints of a crowd is shorter.
_MAX_LINE = 1 << 20

Content = TypeVar("Content")
Location = TypeVar("Location")


def find_in_files(
    root: Path, pattern: str, find_in_folder: Callable[[Folder], Iterable[tuple[PathParts, Location]]]
) -> dict[PathParts, Location]:
    """Find the sequences in matching files at and below `root`, or in the file `root`.

    Args:
        root: file or folder.
        pattern: glob pattern of file names.
        find_in_folder: function that yields the sequences in the files of a folder: path relative to the folder, and
            location.

    Returns:
        The location of each sequence, by the folder names of its path relative to `root`.

    Raises:
        DataError: if a folder cannot be read, or two sequences have the same path.
    """
    folders = [Folder((), root.parent, [root.name])] if root.is_file() else walk_folders(root, pattern)
    locations: dict[PathParts, Location] = {}
    for folder in folders:
        for names, location in find_in_folder(folder):
            # A sequence in the root itself takes the name of the root.
            parts = (*folder.parts, *names) or (folder.path.resolve().name or DEFAULT_LABEL,)
            if parts in locations:
                hint = "rename or remove one of them, or select files with --pattern"
                raise DataError(folder.path, f"{'/'.join(parts)} twice", "each sequence once", hint)
            locations[parts] = location
    return locations


def split_path(text: Any, file: Path) -> PathParts:
    """Split a path that is written in a file, such as the path of an image, into its names.

    Empty names, "." and ".." are dropped, so that the result never leaves its folder.

    Args:
        text: path with slashes or backslashes.
        file: file that contains the text, for the error message.

    Raises:
        DataError: if `text` is not a string, is empty, or has an invalid name.
    """
    if isinstance(text, str):
        parts = tuple(part for part in re.split(r"[/\\]", text) if part not in ("", ".", ".."))
        if parts and all(part.isprintable() and len(part) <= _MAX_NAME_LENGTH for part in parts):
            return parts
    found = f"the path {text[:80]!r}" if isinstance(text, str) else f"the path of type {type(text).__name__}"
    raise DataError(file, found, "a path of folder and file names", "export the poses again")


def frame_name(image: str) -> str:
    """Return the name of a frame: the file name of its image without the suffix."""
    return re.sub(r"(?<=.)\.[A-Za-z]\w*$", "", image)


def iter_lines(path: Path, encoding: str, errors: str = "strict") -> Iterator[str]:
    """Yield the lines of a text file, without their ends.

    Raises:
        ValueError: if a line has more than a million characters, or is not text in this encoding.
        OSError: if the file cannot be read.
    """
    with path.open(encoding=encoding, errors=errors) as file:
        for number in count(1):
            line = file.readline(_MAX_LINE + 1)
            if len(line) > _MAX_LINE:
                raise ValueError(f"more than {_MAX_LINE} characters in line {number}")
            if not line:
                return
            yield line.removesuffix("\n")


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file; empty if it cannot be read, or is a pipe or device."""
    if is_endless(path):
        return b""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def cache_last_file(load: Callable[[Path], Content]) -> Callable[[Path], Content]:
    """Wrap `load` so that it keeps the content of the last file, until that file is modified."""

    @lru_cache(maxsize=1)
    def load_version(path: Path, _modified_ns: int) -> Content:
        return load(path)

    @wraps(load)
    def load_cached(path: Path) -> Content:
        try:
            modified_ns = path.stat().st_mtime_ns
        except OSError:
            return load(path)  # raises a readable error
        return load_version(path, modified_ns)

    return load_cached


def is_empty_list(path: Path) -> bool:
    """Return True if a JSON file contains an empty list."""
    return re.fullmatch(rb"\s*\[\s*\]\s*", read_head(path)) is not None


def is_empty(path: Path) -> bool:
    """Return True if a file has 0 bytes or cannot be read."""
    try:
        return path.stat().st_size == 0
    except OSError:
        return True
