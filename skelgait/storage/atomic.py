"""Files that are written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.errors import DataError


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place when the block ends well, and vanishes otherwise.

    Missing folders are made. After a kill the file beside stays, hidden, until `path` is written the next time.

    Raises:
        DataError: the folder cannot be made, or the file cannot be written; names `path`.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    with write_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def unwritable(path: Path, error: OSError) -> DataError:
    """The error of a file that cannot be written."""
    return DataError(
        path, error.strerror or str(error), "a file that can be written", "make room or choose another folder"
    )
