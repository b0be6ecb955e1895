"""Lock files: an advisory lock that ends with its process, and the name of the process that holds it.

`flock` is used directly and not through the package filelock, which does not say who holds a lock and leaves its file.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import socket
import stat
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from skelgait.errors import DataError
from skelgait.storage.atomic import write_error

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

FOLDER_LOCK = ".skelgait.lock"
"""Name of the lock file of a folder, in the folder."""

_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_LONGEST_COMMAND = 200


def file_lock(folder: Path, stem: str) -> Path:
    """Return the lock file of a file, in its folder.

    Args:
        folder: folder of the file.
        stem: stem of hidden names beside the file, see `hidden_stem`.
    """
    return folder / f".{stem}.skelgait.lock"


@dataclass(frozen=True)
class Holder:
    """Process that holds a lock.

    Attributes:
        pid: process id.
        host: name of the machine.
        command: command line.
        since: local date and time at which it got the lock.
    """

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"`{self.command}` (process {self.pid} on {self.host}, since {self.since})"


class LockFile:
    """Lock file that this process may hold.

    The file is removed while the lock is held; whoever gets the lock of a removed file tries again. So the file of a
    killed process stays, and tells the next one that there may be temporary files to remove.

    Args:
        path: path of the lock file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool | None:
        """Try to get the lock, without waiting.

        Returns:
            None if another process holds the lock. Otherwise True if the last holder was killed, else False.

        Raises:
            DataError: if the lock file cannot be made, or is not a file.
        """
        while True:
            descriptor = self._open()
            try:
                if not _flock(descriptor, self.path):
                    os.close(descriptor)
                    return None
                if _is_at(descriptor, self.path):
                    self._descriptor = descriptor
                    return os.fstat(descriptor).st_size > 0
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def write_holder(self) -> None:
        """Write the name of this process into the file."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(asdict(_this_process())).encode(), 0)

    def read_holder(self) -> Holder | None:
        """Return the process that holds the lock; None: unknown."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            texts = {name: _shortened(str(content[name])) for name in ("host", "command", "since")}
            return Holder(int(content["pid"]), **texts)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # released meanwhile, or not written yet
            return None

    def release(self) -> None:
        """Remove the file and release the lock.

        Raises:
            DataError: if the file cannot be removed.
        """
        try:
            if self._descriptor is not None and _is_at(self._descriptor, self.path):
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(self.path, error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the file, and leave it; a forked process must not hold the lock of its parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise self._refusal("a link") from error
            raise write_error(self.path, error) from error
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            os.close(descriptor)
            raise self._refusal("not a plain file, or one with several names")
        return descriptor

    def _refusal(self, found: str) -> DataError:
        return DataError(self.path, found, "a lock file of skelgait, or nothing", "remove it")


def _flock(descriptor: int, path: Path) -> bool:
    """Lock an open file; return False if another process has locked it."""
    try:
        if fcntl is None:
            raise OSError(errno.ENOSYS, "no flock on this system")
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise write_error(path, error) from error
        log.warning("%s: no locks on this file system; do not write here with two commands at once", path.parent)
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Return True if an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False


def _this_process() -> Holder:
    program = Path(sys.argv[0])
    names = {"": "python", "-c": "python", "__main__.py": program.parent.name}
    name = names.get(program.name, program.name)
    command = _shortened(shlex.join([name, *sys.argv[1:]]))
    return Holder(os.getpid(), socket.gethostname(), command, datetime.now().isoformat(" ", "seconds"))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_COMMAND else f"{text[:_LONGEST_COMMAND]}..."
