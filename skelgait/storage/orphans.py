"""Removal of temporary files that killed processes left."""

from __future__ import annotations

from pathlib import Path

from skelgait.storage.atomic import hidden_stem, remove_file, stem_of_partial
from skelgait.storage.lock_file import FOLDER_LOCK, LockFile, file_lock


def remove_orphans(folder: Path) -> None:
    """Remove the temporary files in a folder and below it; the folder must be locked.

    Links are not followed. Files and folders below that another process has locked are left to it.

    Raises:
        DataError: if a file cannot be removed.
    """
    for path in list(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            _remove_if_free(path / FOLDER_LOCK, path)
        elif (stem := stem_of_partial(path.name)) is not None:
            _remove_if_free(file_lock(folder, stem), path)


def _remove_if_free(path: Path, target: Path) -> None:
    """Remove a temporary file, or those in a folder, unless another process holds the lock file at `path`."""
    lock = LockFile(path) if path.exists() else None
    if lock is not None and lock.acquire() is None:
        return
    try:
        if target.is_dir():
            remove_orphans(target)
        else:
            remove_file(target)
    finally:
        if lock is not None:
            lock.release()


def remove_orphans_of(path: Path) -> None:
    """Remove the temporary files of one file, which must be locked.

    Raises:
        DataError: if a file cannot be removed.
    """
    stem = hidden_stem(path)
    for file in path.parent.iterdir():
        if stem_of_partial(file.name) == stem:
            remove_file(file)
