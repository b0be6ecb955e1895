"""Shapes and arrays in .npy and .npz files, without running code in them and without trusting their sizes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from skelgait.errors import DataError, reading

_EXPECTED = "a NumPy file of plain arrays of numbers"
_HINT = "save plain arrays of numbers"
# An .npz file may be this many times as large when it is unpacked; small files may always have this size.
_MAX_RATIO = 100
_SMALL_BYTES = 64 << 20
_SUFFIX = ".npy"


class ArrayHeader(NamedTuple):
    """Shape and type of an array in a file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def read_headers(path: Path) -> dict[str, ArrayHeader]:
    """Return the header of each array in an .npz file by its name, or of the array in an .npy file under "".

    Raises:
        DataError: if the file cannot be read, holds objects, or is smaller than its headers say.
    """
    with _reading(path):
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                return {"": _read_header(file, path.stat().st_size)}
        with zipfile.ZipFile(path) as archive:
            _check_ratio(archive, path)
            members = [info for info in archive.infolist() if info.filename.endswith(_SUFFIX)]
            return {info.filename.removesuffix(_SUFFIX): _member_header(archive, info) for info in members}


def read_array(path: Path, name: str) -> NDArray[Any]:
    """Return an array of a file; that of an .npy file is mapped into memory.

    Args:
        path: file to read.
        name: name of the array, as `read_headers` returns it.

    Raises:
        DataError: as for `read_headers`.
    """
    read_headers(path)
    with _reading(path):
        if not name and not zipfile.is_zipfile(path):
            mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped
        with zipfile.ZipFile(path) as archive, archive.open(name + _SUFFIX) as file:
            array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
            return array


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    # A damaged header can raise anything.
    with reading(path, _EXPECTED, _HINT, also=(Exception,)):
        yield


def _member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader:
    with archive.open(info) as file:
        return _read_header(file, info.file_size)


def _read_header(file: IO[bytes], size: int) -> ArrayHeader:
    """Read the header of an array.

    Args:
        file: file at its beginning.
        size: size of the header and the array in bytes.

    Raises:
        ValueError: if there is no header, or the array has objects or another size.
    """
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format")
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("an array of objects")
    n_bytes = dtype.itemsize
    for length in shape:
        n_bytes *= length
    if min(shape, default=0) < 0 or n_bytes > size - file.tell():
        raise ValueError(f"{size - file.tell()} bytes for an array {shape} of {dtype}")
    return ArrayHeader(shape, dtype)


def _check_ratio(archive: zipfile.ZipFile, path: Path) -> None:
    unpacked, limit = (
        sum(info.file_size for info in archive.infolist()),
        max(_SMALL_BYTES, _MAX_RATIO * path.stat().st_size),
    )
    if unpacked > limit:
        found = f"a file that unpacks to {unpacked / 1e6:.0f} MB"
        raise DataError(path, found, f"at most {limit / 1e6:.0f} MB", "save the arrays without compression")
