"""HDF5 files that are written whole or not at all, on a disk that may be full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import h5py

from skelgait.storage.atomic import atomic_write

HDF5_ERRORS = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError)
"""Errors that h5py raises for a damaged file or for a file of another program."""


@contextmanager
def create_hdf5(path: Path, as_of_ns: int | None = None) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """A new HDF5 file; the same content gives the same bytes.

    Args:
        path: the file.
        as_of_ns: its date, in nanoseconds since the epoch; now where None.

    Yields:
        The open file, and a function that raises what has gone wrong in writing it so far, if anything; to be called
        between long stretches of work.

    Raises:
        DataError: the file cannot be written.
    """
    with atomic_write(path, as_of_ns) as partial, FileIO(partial, "w+") as raw:
        patient = _PatientFile(raw)
        with h5py.File(patient, "w", libver=("v110", "v110")) as file:
            yield file, patient.check
        patient.check()


class _PatientFile:
    """A file that keeps the first error of writing to itself, and goes on as if nothing were wrong.

    HDF5 cannot go back from an error: it would try again at every step, and complain each time.
    """

    def __init__(self, raw: FileIO) -> None:
        self._raw = raw
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        """Write all of `data`, if there was no error before."""
        rest = memoryview(data)
        try:
            while len(rest) and self._error is None:
                rest = rest[self._raw.write(rest) :]
        except OSError as error:
            self._error = error
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read bytes; HDF5 asks for `readinto`, and for this one only that it is there."""
        return self._raw.read(size)

    def readinto(self, buffer: bytearray) -> int:
        """Read into `buffer`; anything, after an error."""
        return len(buffer) if self._error is not None else self._raw.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._raw.tell()

    def truncate(self, size: int) -> int:
        """As of any file; nothing, after an error."""
        try:
            return size if self._error is not None else self._raw.truncate(size)
        except OSError as error:
            self._error = error
            return size

    def flush(self) -> None:
        """Nothing is held back."""
