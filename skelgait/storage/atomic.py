"""Files that are written atomically: complete, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.errors import DataError


@contextmanager
def atomic_write(path: Path, modified_ns: int | None = None) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` at the end of the block; after an error it is removed.

    Missing folders are created. A killed process leaves its hidden temporary file until `path` is written again.

    Args:
        path: file to write.
        modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.

    Raises:
        DataError: if the folder or the file cannot be written; the error names `path`.
    """
    partial = partial_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
    """Return the path of the temporary file for `path`."""
    return path.with_name(f".{path.name}.partial")


def remove_file(path: Path) -> None:
    """Remove a file and its temporary file, if they exist.

    Raises:
        DataError: if a file cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
        partial_path(path).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


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
