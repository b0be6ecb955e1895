"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.errors import DataError


@contextmanager
def atomic_write(path: Path, as_of_ns: int | None = None) -> Iterator[Path]:
    """A file beside `path` that takes its place when the block ends well, and vanishes otherwise.

    Missing folders are made. After a kill the file beside stays, hidden, until `path` is written the next time.

    Args:
        path: the file to be written.
        as_of_ns: its date, in nanoseconds since the epoch; now where None.

    Raises:
        DataError: the folder cannot be made, or the file cannot be written; names `path`.
    """
    partial = partial_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            if as_of_ns is not None:
                os.utime(partial, ns=(as_of_ns, as_of_ns))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def partial_path(path: Path) -> Path:
    """Where `path` is while it is being written."""
    return path.with_name(f".{path.name}.partial")


def remove_file(path: Path) -> None:
    """Remove a file, and what a kill may have left of writing it.

    Raises:
        DataError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
        partial_path(path).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_error(path: Path, error: OSError) -> DataError:
    """The error of a file that cannot be written."""
    return DataError(
        path, error.strerror or str(error), "a file that can be written", "make room or choose another folder"
    )
