"""Locks held by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.storage.atomic import hidden_stem
from skelgait.storage.lock_file import FOLDER_LOCK, LockFile, file_lock


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of a folder or a file during the block, as another program would."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = LockFile(target / FOLDER_LOCK if target.is_dir() else file_lock(target.parent, hidden_stem(target)))
    assert lock.acquire() is not None
    lock.write_holder()
    try:
        yield
    finally:
        lock.release()
