"""Locks of files and folders against other writers."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from skelgait.errors import DataError
from skelgait.runtime.process_group import SINGLE, ProcessGroup
from skelgait.storage.atomic import hidden_stem, write_error
from skelgait.storage.lock_file import FOLDER_LOCK, LockFile, file_lock
from skelgait.storage.orphans import remove_orphans, remove_orphans_of

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_TRIES = 0.2
_is_waiting: ContextVar[bool] = ContextVar("is_waiting", default=False)
_held: dict[tuple[int, str], LockFile] = {}


@contextmanager
def wait_for_locks(wait: bool) -> Iterator[None]:
    """Choose what locks in this block do if another process holds them.

    Args:
        wait: wait for the other process; False: raise an error.
    """
    token = _is_waiting.set(wait)
    try:
        yield
    finally:
        _is_waiting.reset(token)


@contextmanager
def lock_folder(folder: Path, group: ProcessGroup = SINGLE) -> Iterator[None]:
    """Lock a folder during the block, for all who write into it; create it if it is missing.

    The lock ends with the process, even if it is killed. Temporary files of killed processes are removed. A block in
    this block may lock the same folder again. After an error in the block, a folder that was created is removed if it
    is empty.

    Args:
        folder: the folder.
        group: processes that enter the block together; rank 0 holds the lock.

    Raises:
        DataError: if another process holds the lock, or the folder cannot be written.
    """

    def make() -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from error

    was_missing = not folder.exists()
    try:
        with _lock(folder, folder / FOLDER_LOCK, group, make, lambda: remove_orphans(folder)):
            yield
    except BaseException:
        if was_missing:
            with suppress(OSError):  # not empty
                folder.rmdir()
        raise


@contextmanager
def lock_file(path: Path | None, group: ProcessGroup = SINGLE) -> Iterator[None]:
    """Lock a file during the block, as `lock_folder`; create its folder if that is missing.

    Args:
        path: the file; may be missing. None: nothing is locked.
        group: processes that enter the block together; rank 0 holds the lock.

    Raises:
        DataError: if another process holds the lock, or the folder cannot be written.
    """
    if path is None:
        yield
        return

    def make() -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(path, error) from error

    with _lock(path, file_lock(path.parent, hidden_stem(path)), group, make, lambda: remove_orphans_of(path)):
        yield


@contextmanager
def _lock(
    target: Path, path: Path, group: ProcessGroup, make: Callable[[], None], clean: Callable[[], None]
) -> Iterator[None]:
    key = (threading.get_ident(), os.path.realpath(path.parent) + os.sep + path.name)
    if key in _held:
        yield
        return
    lock = LockFile(path)
    _wait_for(lock, target, group, make, clean)
    _held[key] = lock
    try:
        yield
    finally:
        _held.pop(key, None)
        lock.release()


def _wait_for(
    lock: LockFile, target: Path, group: ProcessGroup, make: Callable[[], None], clean: Callable[[], None]
) -> None:
    """Get the lock in rank 0; the other processes wait, and raise the same error."""

    def attempt() -> DataError | None:
        make()
        was_killed = lock.acquire()
        if was_killed is None:
            return _refusal(lock, target)
        if was_killed:
            clean()
        lock.write_holder()
        return None

    is_announced = False
    while True:
        refusal, error = group.gather(_outcome(attempt) if group.rank == 0 else None)[0]
        if error is not None:
            lock.close()
            raise error
        if refusal is None:
            return
        if not _is_waiting.get():
            raise refusal
        if not is_announced and group.rank == 0:
            log.warning("%s: waiting for %s", target, refusal.found)
            is_announced = True
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _outcome(attempt: Callable[[], DataError | None]) -> tuple[DataError | None, DataError | None]:
    """Return the result of an attempt, and its error."""
    try:
        return attempt(), None
    except DataError as error:
        return None, error
    except OSError as error:
        return None, write_error(Path(error.filename or "."), error)


def _refusal(lock: LockFile, target: Path) -> DataError:
    holder = lock.read_holder()
    found = str(holder) if holder else "another process"
    hint = "pass --wait to wait until it has ended, or choose another path"
    return DataError(target, f"{found} writing here", "one writer at a time", hint)


def _forget_locks() -> None:
    """Close the locks of the parent process in a forked process, so that they end with the parent."""
    for lock in _held.values():
        lock.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)
