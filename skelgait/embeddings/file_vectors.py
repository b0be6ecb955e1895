"""Array of the embeddings in a file; rows are mapped into memory only while they are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from skelgait.embeddings.embeddings import check_finite
from skelgait.errors import DataError
from skelgait.matching.distances import as_slice
from skelgait.storage import Key
from skelgait.storage.shards import sum_of

_EXPECTED, _HINT = "an embedding file", "make one with `skelgait embed`"


class RowSums:
    """CRC-32 of each row of a table; each is compared once, when the row is first read.

    Args:
        sums: (N,) checksums.
    """

    def __init__(self, sums: NDArray[np.uint32]) -> None:
        self._sums = sums
        self._is_checked = np.zeros(len(sums), np.bool_)

    def damaged(self, rows: NDArray[np.float32], indices: NDArray[np.int64]) -> list[int]:
        """Return the indices of rows that differ from their checksum.

        Args:
            rows: rows of the table.
            indices: index of each row in the table.
        """
        new = np.flatnonzero(~self._is_checked[indices])
        damaged = [int(indices[i]) for i in new if sum_of(rows[i]) != self._sums[indices[i]]]
        self._is_checked[np.setdiff1d(indices[new], damaged)] = True
        return damaged


class FileVectors:
    """Array (N, D, S) of the embeddings in a file; rows are mapped into memory only while they are used.

    `len`, indexing, slicing, iteration, `numpy()` and `np.asarray` work as for an array in memory.

    Args:
        path: path of the file.
        keys: keys of all sequences in the file.
        offset: position of the embeddings in the file, in bytes.
        file_shape: (N, S, D) shape in the file.
        sums: checksums of the rows; None: the file has none.
        indices: (n,) rows of the file that the array consists of; default: all.
    """

    def __init__(
        self,
        path: Path,
        keys: Sequence[Key],
        offset: int,
        file_shape: tuple[int, int, int],
        sums: RowSums | None = None,
        indices: NDArray[np.int64] | None = None,
    ) -> None:
        self._path = path
        self._keys = keys
        self._offset = offset
        self._file_shape = file_shape
        self._sums = sums
        self._indices = np.arange(file_shape[0]) if indices is None else indices
        self.shape = (len(self._indices), file_shape[2], file_shape[1])

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, rows: int | slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Read embeddings.

        Args:
            rows: an index, a slice, or an integer array (n,).

        Returns:
            (D, S) for an index, otherwise (n, D, S).

        Raises:
            CheckpointError: if an embedding is not finite.
            DataError: if the file cannot be read, or an embedding differs from its checksum.
            IndexError: if an index is out of range.
        """
        indices = self._indices[rows]
        if indices.ndim == 0:
            row: NDArray[np.float32] = self._read(indices[None])[0]
            return row
        return self._read(indices)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self.numpy().astype(dtype or np.float32, copy=False)

    def verify(self, row: int) -> bool:
        """Read a row, and compare it with its checksum; return False if it has none.

        Raises:
            DataError: if it is damaged.
            CheckpointError: if a value is not finite.
        """
        self[row]
        return self._sums is not None

    def numpy(self) -> NDArray[np.float32]:
        """Read all embeddings into one array (N, D, S)."""
        return self[:]

    def select(self, indices: NDArray[np.int64]) -> FileVectors:
        """Return an array of some of the rows, which is read on demand as well."""
        rows = self._indices[indices]
        return FileVectors(self._path, self._keys, self._offset, self._file_shape, self._sums, rows)

    def __repr__(self) -> str:
        return f"FileVectors({str(self._path)!r}, shape={self.shape})"

    def _read(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        if not len(indices):
            return np.empty((0, *self.shape[1:]), np.float32)
        first, last = int(indices.min()), int(indices.max())
        rows = self._map(first, last + 1)[as_slice(indices - first)]
        self._check(rows, indices)
        check_finite(rows, self._keys, str(self._path), indices)
        return rows.swapaxes(1, 2)

    def _check(self, rows: NDArray[np.float32], indices: NDArray[np.int64]) -> None:
        damaged = self._sums.damaged(rows, indices) if self._sums else []
        if damaged:
            where = f"{self._path}: {self._keys[damaged[0]]}"
            raise DataError(where, "values that differ from their checksum", "an undamaged embedding", _HINT)

    def _map(self, start: int, stop: int) -> NDArray[np.float32]:
        row_shape = self._file_shape[1:]
        row_bytes = 4 * int(np.prod(row_shape))
        try:
            # Copy on write: callers may change what they get.
            rows = np.memmap(self._path, np.float32, "c", self._offset + start * row_bytes, (stop - start, *row_shape))
            return np.asarray(rows)
        except (OSError, ValueError) as error:
            raise DataError(self._path, f"no embeddings ({error})", _EXPECTED, _HINT) from error
