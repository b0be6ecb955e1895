"""Arrays in and out of pickle files that may be hostile."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.atomic import atomic_write

_PLAIN_TYPES = frozenset({("_codecs", "encode"), ("numpy", "ndarray"), ("numpy", "dtype")})
_BUILDERS = frozenset(
    {
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "scalar"),
        ("numpy._core.numeric", "_frombuffer"),
    }
)
_SKIPPED_BYTES = 4096
_ARRAY = "one pickled numpy array"


class _ArrayUnpickler(pickle.Unpickler):
    """Builds numpy arrays and plain containers; everything else in the file is refused before it runs."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy.core."):  # as numpy before 2.0 wrote it
            module = module.replace("numpy.core.", "numpy._core.", 1)
        if (module, name) in {("__builtin__", "bytes"), ("builtins", "bytes")}:
            return _no_bytes
        if (module, name) in _PLAIN_TYPES | _BUILDERS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"the object {module}.{name}")


def _no_bytes() -> bytes:
    """What older protocols write for the data of an empty array."""
    return b""


class _HeaderReader:
    """A file whose long blocks are skipped instead of read: enough to rebuild an array's shape and type."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readline(self) -> bytes:
        return self._file.readline()

    def readinto(self, buffer: bytearray) -> int:
        size = len(buffer)
        if size <= _SKIPPED_BYTES:
            return self._file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]
        before = self._file.tell()
        self._file.seek(min(before + size, self._size))
        return self._file.tell() - before


def read_pickled_array(path: Path) -> NDArray[Any]:
    """The numeric array that a pickle file holds; nothing else in it is ever executed.

    Raises:
        DataError: the file is missing, truncated, or holds anything but one numeric array.
    """
    return _as_array(_load(path, _ARRAY, header_only=False), path)


def read_pickled_header(path: Path) -> NDArray[Any]:
    """An array of the shape and type of that in a pickle file; its values are not read, and mean nothing.

    Raises:
        DataError: as `read_pickled_array`.
    """
    return _as_array(_load(path, _ARRAY, header_only=True), path)


def read_pickled(path: Path, expected: str) -> Any:
    """What a pickle file holds: numbers, text, arrays and plain containers; nothing else in it is ever executed.

    Args:
        path: the file.
        expected: what should be in it, for errors.

    Raises:
        DataError: the file is missing, damaged, or has an object of another kind in it.
    """
    return _load(path, expected, header_only=False)


def write_pickled_array(path: Path, array: NDArray[Any], as_of_ns: int | None = None) -> None:
    """Pickle `array` in C order, whole or not at all, with the date `as_of_ns`.

    Raises:
        DataError: the file cannot be written.
    """
    with atomic_write(path, as_of_ns) as temporary, temporary.open("wb") as file:
        # Protocol 4 is the newest that every Python with a peer's loader reads.
        pickle.dump(np.ascontiguousarray(array), file, protocol=4)


def _load(path: Path, expected: str, *, header_only: bool) -> Any:
    try:
        with path.open("rb") as file:
            return _ArrayUnpickler(_HeaderReader(file) if header_only else file).load()
    except OSError as error:
        raise DataError(path, error.strerror or str(error), expected, "check the path and its permissions") from error
    except Exception as error:  # a damaged or hostile pickle can raise anything
        found = str(error) or type(error).__name__
        raise DataError(path, found, expected, "write the file again; if it is a download, fetch it anew") from error


def _as_array(loaded: object, path: Path) -> NDArray[Any]:
    if not isinstance(loaded, np.ndarray):
        raise DataError(path, f"a {type(loaded).__name__}", _ARRAY, "export the sequence as one array")
    if loaded.dtype.kind not in "biuf":
        found = f"an array of type {loaded.dtype}"
        raise DataError(path, found, "numbers", "export the frames with one shape, as one numeric array")
    return loaded.astype(loaded.dtype.newbyteorder("="), copy=False)
