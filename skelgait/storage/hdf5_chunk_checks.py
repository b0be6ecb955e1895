"""Checks of compressed HDF5 chunks before HDF5 decompresses them.

HDF5 and its Blosc filter trust the sizes that a chunk declares: data that decompress to fewer bytes than the chunk has
make HDF5 read memory behind them, and data that decompress to more fill the memory.
"""

from __future__ import annotations

import struct
import zlib
from math import prod
from typing import NamedTuple

from h5py import h5d

DEFLATE, FLETCHER32, BLOSC = 1, 3, 32001
_CHECKSUM_BYTES = 4

_BLOSC_HEADER = struct.Struct("<4B3I")
_BLOSC_VERSION, _BLOSC_LZ4_VERSION, _BLOSC_LZ4 = 2, 1, 1
_BLOSC_UNCOMPRESSED = 0x2
_BLOSC_START_BYTES = 4
BLOSC_HEAD_BYTES = 4096
"""Bytes at the beginning of a chunk by which `blosc_problem` judges it: its header, and the starts of 1020 blocks."""


class TableForm(NamedTuple):
    """Form of a table.

    Attributes:
        filters: filters of its chunks.
        item_bytes: size of an item in bytes.
        chunk_bytes: size of an uncompressed chunk in bytes; 0: no chunks.
    """

    filters: list[int]
    item_bytes: int
    chunk_bytes: int


def table_form(table: h5d.DatasetID) -> TableForm:
    """Return the form of a table."""
    properties, item_bytes = table.get_create_plist(), table.get_type().get_size()
    has_chunks = properties.get_layout() == h5d.CHUNKED and prod(table.shape)
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    return TableForm(filters, item_bytes, prod(properties.get_chunk()) * item_bytes if has_chunks else 0)


def chunks_problem(table: h5d.DatasetID, form: TableForm) -> str:
    """Return why the chunks of a table cannot be read safely; empty if they can."""
    infos: list[h5d.StoreInfo] = []
    table.chunk_iter(infos.append)
    if len({info.chunk_offset for info in infos}) != len(infos):
        return "a chunk twice"
    is_compressed = not {DEFLATE, BLOSC}.isdisjoint(form.filters)
    for info in infos:
        if is_compressed:
            problem = chunk_problem(table, info.chunk_offset, form)
        else:
            problem = _stored_problem(info.size, _applied(form.filters, info.filter_mask), form.chunk_bytes)
        if problem:
            return problem
    return ""


def chunk_problem(table: h5d.DatasetID, offset: tuple[int, ...], form: TableForm) -> str:
    """Return why a chunk cannot be read safely; empty if it can.

    Args:
        table: table with chunks.
        offset: index of the first element of the chunk.
        form: form of the table.
    """
    mask, stored = table.read_direct_chunk(offset)
    applied = _applied(form.filters, mask)
    content_bytes = form.chunk_bytes
    if applied[:1] == [FLETCHER32]:
        applied, content_bytes = applied[1:], content_bytes + _CHECKSUM_BYTES
    if applied[-1:] == [FLETCHER32]:
        applied, stored = applied[:-1], stored[:-_CHECKSUM_BYTES]
    if applied == [DEFLATE]:
        return "" if inflate(stored, content_bytes) is not None else _size_problem(content_bytes)
    if applied == [BLOSC]:
        return blosc_problem(stored, len(stored), content_bytes, form.item_bytes)
    return _stored_problem(len(stored), applied, content_bytes)


def inflate(stored: bytes, n_bytes: int) -> bytes | None:
    """Return the content of a chunk compressed by DEFLATE; None if it is damaged or has another size."""
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(stored, n_bytes + 1)
    except zlib.error:
        return None
    return content if decompressor.eof and len(content) == n_bytes else None


def _applied(filters: list[int], mask: int) -> list[int]:
    """Return the filters that were applied to a chunk; a bit of the mask is set if a filter was not."""
    return [number for i, number in enumerate(filters) if not mask >> i & 1]


def _stored_problem(stored_bytes: int, applied: list[int], n_bytes: int) -> str:
    if applied not in ([], [FLETCHER32]):
        return "a chunk compressed twice"
    expected = n_bytes + _CHECKSUM_BYTES * len(applied)
    return "" if stored_bytes == expected else f"a chunk of {stored_bytes} stored bytes instead of {expected}"


def blosc_problem(head: bytes, stored_bytes: int, n_bytes: int, item_bytes: int) -> str:
    """Return why a chunk compressed by Blosc 1 with LZ4 cannot be read safely; empty if it can.

    Args:
        head: first bytes of the stored chunk, with the starts of all blocks.
        stored_bytes: size of the stored chunk in bytes.
        n_bytes: size of its content in bytes.
        item_bytes: size of an item in bytes.
    """
    if len(head) < _BLOSC_HEADER.size:
        return "a chunk without a Blosc header"
    version, lz4_version, flags, type_bytes, content, block, total = _BLOSC_HEADER.unpack_from(head)
    if (version, lz4_version, flags >> 5, type_bytes) != (_BLOSC_VERSION, _BLOSC_LZ4_VERSION, _BLOSC_LZ4, item_bytes):
        return "a chunk that is not compressed by Blosc with LZ4"
    if (content, total) != (n_bytes, stored_bytes) or not 0 < block <= content:
        return _size_problem(n_bytes)
    if flags & _BLOSC_UNCOMPRESSED:
        return "" if total == content + _BLOSC_HEADER.size else _size_problem(n_bytes)
    n_blocks = -(-content // block)
    first = _BLOSC_HEADER.size + _BLOSC_START_BYTES * n_blocks
    if first > min(total, len(head)):
        return "a chunk without its Blosc blocks"
    starts = struct.unpack_from(f"<{n_blocks}i", head, _BLOSC_HEADER.size)
    is_inside = first <= min(starts) and max(starts) < total
    return "" if is_inside and len(set(starts)) == n_blocks else "a chunk whose Blosc blocks overlap"


def _size_problem(n_bytes: int) -> str:
    return f"a damaged chunk, or one that does not decompress to {n_bytes} bytes"
