"""Reading and writing arrays in pickle files, without executing code from an untrusted file."""

from __future__ import annotations

import hashlib
import os
import pickle
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.atomic import atomic_write
from skelgait.storage.pickle_sums import pickle_length, sums_line
from skelgait.storage.pickles.reader import read_pickle
from skelgait.storage.pickles.refusal import RefusedPickle
from skelgait.storage.pickles.single_array import MAX_HEAD, MAX_TAIL, find_single_array

_SMALL_FILE = 2**16
# A pipe without a writer is not waited for.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_ARRAY = "one pickled numpy array"
# numpy 1.20 to 2.x all import the function under this name, without a warning. numpy 2 would write numpy._core.
_RECONSTRUCT = "numpy.core.multiarray"
# Protocol 4: readable by every Python version that OpenGait and similar programs use.
_PROTOCOL = 4


def read_pickled_array(path: Path) -> NDArray[Any]:
    """Read a numeric array from a pickle file; no code in the file is executed.

    Raises:
        DataError: if the file is missing or truncated, or holds anything but one numeric array.
    """
    return _as_array(_load(path, _ARRAY, header_only=False), path)


def read_pickled_header(path: Path) -> NDArray[Any]:
    """Return an array with the shape and type of the array in a pickle file; its values are undefined.

    Raises:
        DataError: if the file is missing or truncated, or holds anything but one numeric array.
    """
    return _as_array(_load(path, _ARRAY, header_only=True), path)


def read_pickled(path: Path, expected: str) -> Any:
    """Read numbers, text, arrays and plain containers from a pickle file; no code in the file is executed.

    Args:
        path: file to read.
        expected: expected content, for error messages.

    Raises:
        DataError: if the file is missing or damaged, or holds an object of another kind.
    """
    return _load(path, expected, header_only=False)


def write_pickled_array(
    path: Path, array: NDArray[Any], modified_ns: int | None = None, frame_names: str | None = None
) -> None:
    """Write an array into a pickle file atomically, in C order, with checksums at its end.

    Args:
        path: file to write.
        array: array to write.
        modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.
        frame_names: content of the file with the names of its frames, for the checksums; None: there is none.

    Raises:
        DataError: if the file cannot be written.
    """
    array = np.ascontiguousarray(array)
    with atomic_write(path, modified_ns) as temporary, temporary.open("wb") as file:
        digest = hashlib.sha256()
        for part in (_pickle_head(array), array.data, pickle.TUPLE + pickle.BUILD + pickle.STOP):
            file.write(part)
            digest.update(part)
        file.write(sums_line(digest.hexdigest(), frame_names))


def _pickle_head(array: NDArray[Any]) -> bytes:
    """Return the pickle of an array up to its bytes: `array.__reduce__()` with a name that all versions of numpy have.

    Reconstruct an empty array; then set its state, the tuple (version 1, shape, dtype, is in Fortran order, bytes).
    """
    reconstruct = f"{_RECONSTRUCT}\n_reconstruct\n".encode()
    empty_array = pickle.GLOBAL + reconstruct + _fragment((np.ndarray, (0,), b"b")) + pickle.REDUCE
    state = b"".join(map(_fragment, (1, array.shape, array.dtype, False)))
    size = pickle.BINBYTES8 + array.nbytes.to_bytes(8, "little")
    return pickle.PROTO + bytes([_PROTOCOL]) + empty_array + pickle.MARK + state + size


def _fragment(item: object) -> bytes:
    """Return the opcodes that push a small object; protocol 3 has no frames, which could not be joined."""
    return pickle.dumps(item, protocol=3).removeprefix(pickle.PROTO + b"\x03").removesuffix(pickle.STOP)


def _load(path: Path, expected: str, *, header_only: bool) -> Any:
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
        try:
            return _read(descriptor, pickle_length(descriptor), header_only)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), expected, "check the path and its permissions") from error
    except RefusedPickle as error:
        raise DataError(path, error.found, expected, error.hint) from error
    except MemoryError as error:
        hint = "read it on a machine with more memory, or split it"
        raise DataError(path, "more data than the free memory", expected, hint) from error


def _read(descriptor: int, size: int, header_only: bool) -> object:
    """Read a single array directly, and everything else with the interpreter."""
    if size <= _SMALL_FILE:
        content = os.read(descriptor, size)
        stored = find_single_array(content, content, len(content))
        if stored is None:
            return read_pickle(content)
        array = np.frombuffer(content, stored.kind, stored.n_values, stored.start).copy()
        return array.reshape(stored.shape, order=stored.order)
    with FileIO(descriptor, closefd=False) as file:
        head, _ = file.read(MAX_HEAD), file.seek(size - MAX_TAIL)
        stored = find_single_array(head, file.read(MAX_TAIL), size)
        if stored is None:
            file.seek(0)
            return read_pickle(file.readall())
        if header_only:
            return np.empty(stored.shape, stored.kind)
        array = _read_from(file, stored.start, stored.n_values * stored.kind.itemsize).view(stored.kind)
        return array.reshape(stored.shape, order=stored.order)


def _read_from(file: FileIO, start: int, n_bytes: int) -> NDArray[np.uint8]:
    """Return bytes of a file; fewer if it has become shorter."""
    file.seek(start)
    buffer, length = np.empty(n_bytes, np.uint8), 0
    while count := file.readinto(buffer.data[length:]):
        length += count
    return buffer[:length]


def _as_array(loaded: object, path: Path) -> NDArray[Any]:
    if not isinstance(loaded, np.ndarray):
        raise DataError(path, f"a {type(loaded).__name__}", _ARRAY, "export the sequence as one array")
    if loaded.dtype.kind not in "biuf":
        found = f"an array of type {loaded.dtype}"
        raise DataError(path, found, "numbers", "export the frames with one shape, as one numeric array")
    return loaded.astype(loaded.dtype.newbyteorder("="), copy=False)
