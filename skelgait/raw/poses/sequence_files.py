"""Files that hold a whole sequence or many: where sequences are in them, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder, walk_folders
from skelgait.raw.keys import DEFAULT_LABEL, PathParts

# What a file system takes as a name.
_LONGEST_NAME = 255
_HEAD_BYTES = 65536

Content = TypeVar("Content")
Place = TypeVar("Place")


def find_in_files(
    root: Path, pattern: str, inside: Callable[[Folder], Iterable[tuple[PathParts, Place]]]
) -> dict[PathParts, Place]:
    """The sequences in files of a pattern in and below `root`, or in `root` itself where it is a file.

    Args:
        root: a file or folder.
        pattern: of the files' names.
        inside: the sequences in the files of a folder: the names that follow those of the folder, and the place.

    Raises:
        DataError: a folder cannot be read, or two sequences have the same names.
    """
    folders = [Folder((), root.parent, [root.name])] if root.is_file() else walk_folders(root, pattern)
    found: dict[PathParts, Place] = {}
    for folder in folders:
        for names, place in inside(folder):
            # What lies in the root itself is called what that is called.
            parts = (*folder.parts, *names) or (folder.path.resolve().name or DEFAULT_LABEL,)
            if parts in found:
                hint = "rename or remove one, or say with --pattern which files to look at"
                raise DataError(folder.path, f"{'/'.join(parts)} twice", "each sequence once", hint)
            found[parts] = place
    return found


def split_path(text: Any, where: Path) -> PathParts:
    """The names on the way that a file describes, such as that of an image; none leads out of a folder.

    Raises:
        DataError: it is no text, or has names in it that no file can have.
    """
    found = f"the path {text!r:.80}"
    if isinstance(text, str):
        parts = tuple(part for part in re.split(r"[/\\]", text) if part not in ("", ".", ".."))
        if parts and all(part.isprintable() and len(part) <= _LONGEST_NAME for part in parts):
            return parts
    raise DataError(where, found, "names of folders and files", "export the poses again")


def frame_name(image: str) -> str:
    """The name of a frame, which is that of its image without the ending, if it has one."""
    return re.sub(r"(?<=.)\.[A-Za-z]\w*$", "", image)


def read_head(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def cache_last_file(load: Callable[[Path], Content]) -> Callable[[Path], Content]:
    """`load`, but what it made of a file is kept until another file is wanted, or this one is written anew."""

    @lru_cache(maxsize=1)
    def load_dated(path: Path, _modified_ns: int) -> Content:
        return load(path)

    @wraps(load)
    def load_once(path: Path) -> Content:
        try:
            modified_ns = path.stat().st_mtime_ns
        except OSError:
            return load(path)  # which tells what is wrong
        return load_dated(path, modified_ns)

    return load_once


def is_empty_list(path: Path) -> bool:
    """Whether a JSON file lists nothing at all."""
    return re.fullmatch(rb"\s*\[\s*\]\s*", read_head(path)) is not None
