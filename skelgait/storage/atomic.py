"""Files that are written atomically: complete, or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.errors import DataError

_LONGEST_STEM = 200
_PARTIAL_NAME = re.compile(r"\.(?P<stem>.+)\.[0-9a-f]{16}\.partial", re.DOTALL)


@contextmanager
def atomic_write(path: Path, modified_ns: int | None = None) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` at the end of the block; after an error it is removed.

    Missing folders are created. The temporary file is new, empty, in the folder of `path`, and has a random name, so
    that no link is followed. If `path` is a link, the link is replaced, and its target stays as it is. A killed process
    leaves its hidden temporary file; the next writer that locks the target removes it.

    Args:
        path: file to write.
        modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.

    Raises:
        DataError: if the folder or the file cannot be written; the error names `path`.
    """
    partial = partial_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), 0o666))
        try:
            yield partial
            if modified_ns is not None:
                os.utime(partial, ns=(modified_ns, modified_ns))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def partial_path(path: Path) -> Path:
    """Return a new random path for a temporary file beside `path`."""
    return path.with_name(f".{hidden_stem(path)}.{secrets.token_hex(8)}.partial")


def hidden_stem(path: Path) -> str:
    """Return the name of `path`, or a hash of it if hidden files could not have so long a name."""
    name = os.fsencode(path.name)
    return path.name if len(name) <= _LONGEST_STEM else hashlib.sha256(name).hexdigest()[:32]


def stem_of_partial(name: str) -> str | None:
    """Return the stem that a temporary file of `atomic_write` has in its name; None for other files."""
    match = _PARTIAL_NAME.fullmatch(name)
    return match["stem"] if match else None


def remove_file(path: Path) -> None:
    """Remove a file, if it exists; of a link, the link.

    Raises:
        DataError: if the file cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def remove_below(root: Path, path: Path) -> None:
    """Remove a file below the folder `root`, if it exists. If a folder between them is a link, remove that link.

    So nothing is removed in another tree.

    Raises:
        DataError: if the file or the link cannot be removed.
    """
    remove_file(linked_folder(root, path) or path)


def linked_folder(root: Path, path: Path) -> Path | None:
    """Return the first folder between `root` and `path` that is a link; None if there is none."""
    folders = [root.joinpath(*parent.parts) for parent in path.relative_to(root).parents if parent.parts]
    return next((folder for folder in reversed(folders) if folder.is_symlink()), None)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically.

    Raises:
        DataError: if the file cannot be written.
    """
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_error(path: Path, error: OSError) -> DataError:
    """Return the error for a file that cannot be written."""
    hint = "free disk space, or choose another folder"
    return DataError(path, error.strerror or str(error), "a file that can be written", hint)
