"""Lock of a folder against other writers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.errors import DataError
from skelgait.storage.atomic import write_error

try:
    import fcntl
except ImportError:  # Windows: folders are not locked
    fcntl = None  # type: ignore[assignment]


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder during the block; creates the folder. The lock ends with the process, even if it is killed.

    Raises:
        DataError: if another process holds the lock, or the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY) if fcntl else None
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        if descriptor is not None:
            _lock(folder, descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(folder: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise DataError(
            folder, "another run that writes here", "one run at a time", "wait until the other run has ended"
        ) from error
    except OSError:  # some network file systems have no locks
        return
