"""Writing HDF5 files atomically, also on a disk that becomes full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait.storage.atomic import atomic_write

_CHUNK_BYTES = 2**20


@contextmanager
def create_hdf5(path: Path, modified_ns: int | None = None) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Create an HDF5 file atomically. The same content gives the same bytes.

    Args:
        path: file to write.
        modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.

    Yields:
        The open file, and a function that raises the first error of writing it; call this between long steps.

    Raises:
        DataError: if the file cannot be written.
    """
    with atomic_write(path, modified_ns) as partial, FileIO(partial, "w+") as raw:
        buffer = _DeferredErrorFile(raw)
        with _create_in(buffer) as file:
            yield file, buffer.check
        buffer.check()


def _create_in(buffer: _DeferredErrorFile) -> h5py.File:
    """Return a new file of the format of HDF5 1.10, without times: h5py 3.10 cannot leave them out of the root.

    Args:
        buffer: empty file.
    """
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    access.set_fileobj_driver(h5py.h5fd.fileobj_driver, buffer)
    return h5py.File(h5py.h5f.create(b"file", h5py.h5f.ACC_TRUNC, creation, access))


def write_table(group: h5py.Group, name: str, values: NDArray[Any], compression: str | None = None) -> None:
    """Write a table with a checksum (Fletcher-32), which HDF5 compares whenever the table is read.

    Args:
        group: open file, or a group in it.
        name: name of the table.
        values: array of numbers, or of text of fixed length, with at least one axis.
        compression: filter of h5py; None: uncompressed.
    """
    if not values.size:
        group.create_dataset(name, data=values)
        return
    rows = max(1, min(len(values), _CHUNK_BYTES * len(values) // max(values.nbytes, 1)))
    chunks = (rows, *values.shape[1:])
    group.create_dataset(name, data=values, chunks=chunks, compression=compression, fletcher32=True)


def write_text(node: h5py.Group | h5py.Dataset, **texts: str) -> None:
    """Write attributes as text of fixed length, which HDF5 stores with a checksum."""
    for name, text in texts.items():
        content = text.encode("utf-8", "surrogateescape")
        node.attrs[name] = np.array(content, f"S{max(1, len(content))}")


class _DeferredErrorFile:
    """File that stores its first write error instead of raising it.

    HDF5 cannot recover from a write error: it would repeat the failed write and its message at every later step.
    """

    def __init__(self, raw: FileIO) -> None:
        self._raw = raw
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the stored error, if any."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        """Write all of `data`; after an error, do nothing."""
        rest = memoryview(data)
        try:
            while len(rest) and self._error is None:
                rest = rest[self._raw.write(rest) :]
        except OSError as error:
            self._error = error
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read bytes. HDF5 requires this method, but calls only `readinto`."""
        return self._raw.read(size)

    def readinto(self, buffer: bytearray) -> int:
        """Read into `buffer`; after an error, leave it unchanged."""
        return len(buffer) if self._error is not None else self._raw.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Change the position in the file."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in the file."""
        return self._raw.tell()

    def truncate(self, size: int) -> int:
        """Resize the file; after an error, do nothing."""
        try:
            return size if self._error is not None else self._raw.truncate(size)
        except OSError as error:
            self._error = error
            return size

    def flush(self) -> None:
        """Do nothing: the raw file is unbuffered."""
