"""Reading HDF5 files that may be damaged, or made to attack."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5s, h5t
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.hdf5_checks import check_tables
from skelgait.storage.hdf5_old_text import read_old_texts

HDF5_ERRORS = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, ArithmeticError, MemoryError)
"""Errors that h5py and the checks of a table raise for a damaged file or for a file of another program."""

_FILTER_ERROR = "filter returned failure"


@contextmanager
def open_hdf5(
    path: Path, expected: str, hint: str, found: str = "a damaged file", *, frames: bool = True
) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, and check its tables.

    Args:
        path: file to read.
        expected: expected content, for the error.
        hint: hint of the error about a damaged file.
        found: description of a damaged file, or of one of another program.
        frames: the chunks of the table `frames` are checked too, as by `check_tables`.

    Raises:
        DataError: if the file cannot be read, is damaged, or holds anything but plain tables; also for the errors that
            damaged data cause inside the block.
    """
    try:
        with open_checked(path, frames=frames) as file:
            yield file
    except HDF5_ERRORS as error:
        raise hdf5_error(path, error, expected, hint, found) from error


def open_checked(path: Path, *, chunk_cache: bool = True, frames: bool = True) -> h5py.File:
    """Open an HDF5 file for reading, and check its tables; the caller closes it.

    Args:
        path: file to read.
        chunk_cache: keep decompressed HDF5 chunks in memory.
        frames: check also the chunks of the table `frames`, as by `check_tables`.

    Raises:
        DataError: if the file holds anything but plain tables.
        HDF5_ERRORS: if it cannot be read or is damaged.
    """
    file = h5py.File(path, "r", **({} if chunk_cache else {"rdcc_nbytes": 0}))
    try:
        check_tables(file, frames=frames)
    except BaseException:
        file.close()
        raise
    return file


def hdf5_error(
    where: str | Path, error: Exception, expected: str, hint: str, found: str = "a damaged file"
) -> DataError:
    """Return the error for a file that h5py cannot read.

    Args:
        where: the file, and the sequence if it is known.
        error: error of h5py, or of a check of its tables.
        expected: expected content.
        hint: hint for a damaged file.
        found: description of a damaged file.
    """
    # Some errors of HDF5 have several lines.
    reason = " ".join(str(error).split()) or type(error).__name__
    # HDF5 says no more if a filter fails: the checksum, or the decompression of damaged data.
    found = f"{found} ({'data that differ from their checksum' if _FILTER_ERROR in reason else reason})"
    if isinstance(error, OSError) and "unable to lock file" in str(error):
        found, hint = "a file locked by another program", "wait until that program has closed it, then try again"
    elif isinstance(error, OSError) and error.errno:
        found, hint = os.strerror(error.errno), f"check the path, or {hint}"
    elif isinstance(error, MemoryError):
        found = "more data than fit into memory"
    return DataError(where, found, expected, hint)


def read_table(group: h5py.Group, name: str) -> NDArray[Any]:
    """Read a whole table; much faster than by h5py's slices.

    Raises:
        KeyError: if there is no such table.
        HDF5_ERRORS: if it is damaged.
    """
    table = h5d.open(group.id, name.encode())
    values = np.empty(table.shape, table.dtype)
    if values.size:
        table.read(h5s.ALL, h5s.ALL, values)
    return values


def has_name(group: h5py.Group, name: str) -> bool:
    """Return True if a group has a table or group of this name, also a damaged one, which older h5py calls missing."""
    return bool(group.id.links.exists(name.encode()))


def read_text(node: h5py.Group | h5py.Dataset, name: str) -> str:
    """Read an attribute that is text.

    Text of variable length, which skelgait 0.1.0 wrote, is read by another process: HDF5 may loop forever on a damaged
    file with such text.

    Raises:
        KeyError: if there is no such attribute.
        TypeError: if it is not text.
        ValueError: if it is damaged.
    """
    if is_old_text(node, name):
        return read_old_texts(Path(node.file.filename))[node.name][name]
    attribute = h5a.open(node.id, name.encode())
    kind = attribute.get_type()
    if not isinstance(kind, h5t.TypeStringID) or attribute.shape != ():
        raise TypeError(f"no text in the attribute {name}")
    value = np.empty((), f"S{kind.get_size()}")
    attribute.read(value)
    return bytes(value.item()).decode("utf-8", "surrogateescape")


def is_old_text(node: h5py.Group | h5py.Dataset, name: str) -> bool:
    """Return True if an attribute is text of variable length, as skelgait 0.1.0 wrote it.

    Raises:
        KeyError: if there is no such attribute.
    """
    kind = h5a.open(node.id, name.encode()).get_type()
    return isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()


def read_number(node: h5py.Group | h5py.Dataset, name: str) -> int:
    """Read an attribute that is an integer.

    Raises:
        KeyError: if there is no such attribute.
        TypeError: if it is not one integer.
    """
    attribute = h5a.open(node.id, name.encode())
    if attribute.get_type().get_class() != h5t.INTEGER or attribute.shape != ():
        raise TypeError(f"no integer in the attribute {name}")
    return int(node.attrs[name])
