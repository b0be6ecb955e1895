"""Reading and writing arrays in pickle files, without executing code from an untrusted file."""

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
# numpy 1.20 to 2.x all import the function under this name, without a warning. numpy 2 would write numpy._core.
_RECONSTRUCT = "numpy.core.multiarray"
# Protocol 4: readable by every Python version that OpenGait and similar programs use.
_PROTOCOL = 4


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler of numpy arrays and plain containers; refuses any other object before it is built."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy.core."):  # numpy before 2.0
            module = module.replace("numpy.core.", "numpy._core.", 1)
        if (module, name) in {("__builtin__", "bytes"), ("builtins", "bytes")}:
            return _empty_bytes
        if (module, name) in _PLAIN_TYPES | _BUILDERS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"the object {module}.{name}")


def _empty_bytes() -> bytes:
    """Return the data of an empty array, which old pickle protocols store as a call of `bytes`."""
    return b""


class _HeaderReader:
    """File reader that skips long blocks; the result has the shape and type of the array, but not its values."""

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
        start = self._file.tell()
        self._file.seek(min(start + size, self._size))
        return self._file.tell() - start


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


def write_pickled_array(path: Path, array: NDArray[Any], modified_ns: int | None = None) -> None:
    """Write an array into a pickle file atomically, in C order.

    Args:
        path: file to write.
        array: array to write.
        modified_ns: modification time of the file, in nanoseconds since the epoch; None: now.

    Raises:
        DataError: if the file cannot be written.
    """
    array = np.ascontiguousarray(array)
    with atomic_write(path, modified_ns) as temporary, temporary.open("wb") as file:
        file.write(_pickle_head(array))
        file.write(array.data)
        file.write(pickle.TUPLE + pickle.BUILD + pickle.STOP)


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
        with path.open("rb") as file:
            # latin1: Python 2 wrote the bytes of an array as text.
            return _ArrayUnpickler(_HeaderReader(file) if header_only else file, encoding="latin1").load()
    except OSError as error:
        raise DataError(path, error.strerror or str(error), expected, "check the path and its permissions") from error
    except Exception as error:  # a damaged or hostile pickle can raise anything
        found = str(error) or type(error).__name__
        raise DataError(path, found, expected, "write the file again, or download it again") from error


def _as_array(loaded: object, path: Path) -> NDArray[Any]:
    if not isinstance(loaded, np.ndarray):
        raise DataError(path, f"a {type(loaded).__name__}", _ARRAY, "export the sequence as one array")
    if loaded.dtype.kind not in "biuf":
        found = f"an array of type {loaded.dtype}"
        raise DataError(path, found, "numbers", "export the frames with one shape, as one numeric array")
    return loaded.astype(loaded.dtype.newbyteorder("="), copy=False)
