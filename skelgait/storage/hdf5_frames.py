"""Reading the frames of a shard in HDF5 chunks, each checked when it is first read."""

from __future__ import annotations

import os
from typing import Any

import h5py
import numpy as np
from h5py import h5d
from numpy.typing import NDArray

from skelgait.storage.hdf5_chunk_checks import (
    BLOSC,
    BLOSC_HEAD_BYTES,
    DEFLATE,
    blosc_problem,
    chunk_problem,
    inflate,
    table_form,
)

# Blosc blocks have at least this size, unless the chunk is smaller.
_MIN_BLOCK = 4096


class ChunkedFrames:
    """Frames of an open shard, in chunks of whole frames.

    Args:
        table: table of the frames.

    Raises:
        ValueError: if chunks divide a frame.
    """

    def __init__(self, table: h5py.Dataset) -> None:
        self._table = table
        self._rows, *frame = table.chunks
        if tuple(frame) != table.shape[1:]:
            raise ValueError(f"chunks {table.chunks} of frames {table.shape[1:]}")
        self._form = table_form(table.id)
        self._checked: set[int] = set()
        self._stored: dict[int, h5d.StoreInfo] = {}
        # Of a Blosc chunk, the first bytes tell enough, and are read without HDF5 if the system has pread.
        starts_fit = self._form.chunk_bytes <= (BLOSC_HEAD_BYTES // 4 - 4) * _MIN_BLOCK
        self._has_heads = self._form.filters == [BLOSC] and starts_fit and hasattr(os, "pread")
        self._descriptor = table.file.id.get_vfd_handle()

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read frames `start` to `stop - 1`.

        Raises:
            ValueError: if a chunk is damaged.
            HDF5_ERRORS: if HDF5 cannot read a chunk.
        """
        if stop <= start:
            return np.asarray(self._table[start:stop])
        numbers = range(start // self._rows, (stop - 1) // self._rows + 1)
        if self._form.filters == [DEFLATE]:
            return self._inflated(numbers)[start - numbers[0] * self._rows :][: stop - start]
        if not self._checked.issuperset(numbers):
            self._check(numbers)
        return np.asarray(self._table[start:stop])

    def _check(self, numbers: range) -> None:
        for number in set(numbers) - self._checked:
            problem = self._problem(number)
            if problem:
                raise ValueError(problem)
            self._checked.add(number)

    def _problem(self, number: int) -> str:
        if self._has_heads:
            if not self._stored:
                self._table.id.chunk_iter(self._remember)
            stored = self._stored[number]
            if not stored.filter_mask:
                head = os.pread(self._descriptor, BLOSC_HEAD_BYTES, stored.byte_offset)
                return blosc_problem(head, stored.size, self._form.chunk_bytes, self._form.item_bytes)
        return chunk_problem(self._table.id, self._chunk_offset(number), self._form)

    def _remember(self, stored: h5d.StoreInfo) -> None:
        self._stored[stored.chunk_offset[0] // self._rows] = stored

    def _inflated(self, numbers: range) -> NDArray[Any]:
        """Decompress chunks here: a check and HDF5 would both decompress them."""
        frames = np.empty((len(numbers) * self._rows, *self._table.shape[1:]), self._table.dtype)
        for chunk, number in zip(np.split(frames, len(numbers)), numbers, strict=True):
            mask, stored = self._table.id.read_direct_chunk(self._chunk_offset(number))
            content = stored if mask & 1 else inflate(stored, self._form.chunk_bytes)
            if content is None or len(content) != self._form.chunk_bytes:
                raise ValueError(f"a damaged chunk, or one that does not decompress to {self._form.chunk_bytes} bytes")
            chunk[...] = np.frombuffer(content, frames.dtype).reshape(chunk.shape)
        return frames

    def _chunk_offset(self, number: int) -> tuple[int, ...]:
        return (number * self._rows, *(0,) * (self._table.ndim - 1))
