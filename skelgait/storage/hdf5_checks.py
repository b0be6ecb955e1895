"""Checks that an HDF5 file holds plain tables, with all of their data inside the file.

An HDF5 file may name other files to read (external data, virtual datasets, links), declare far more data than it holds,
and ask for any filter. Skelgait writes none of that, so every such file is refused before its data are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, prod
from pathlib import Path

import h5py
from h5py import h5d, h5l, h5o, h5t

from skelgait.errors import DataError
from skelgait.storage.hdf5_chunk_checks import BLOSC, DEFLATE, FLETCHER32, chunks_problem, table_form

_FILTERS = (DEFLATE, FLETCHER32, BLOSC)
# DEFLATE cannot compress more than 1032 to 1, LZ4 not more than 255 to 1: a table beyond that lacks data.
MAX_RATIO = 1032
_MAX_DEPTH = 2
_MAX_OBJECTS = 10_000
_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}
_EXPECTED = "plain tables with all data in this file, as skelgait writes them"
_HINT = "do not use this file unless you trust its source; write it again with skelgait"


def check_tables(file: h5py.File, *, frames: bool = True) -> None:
    """Check that all objects in an open file are plain tables, or groups of them.

    Args:
        file: open file.
        frames: check also the chunks of the table `frames`; otherwise, the caller does that when reading them.

    Raises:
        DataError: if there is a link, external, virtual or missing data, an unknown filter, a chunk of another size, or
            a type other than numbers and text of fixed length.
    """
    if file.userblock_size:
        raise _refusal(file, "/", f"{file.userblock_size} bytes before the start of the HDF5 data")
    size = Path(file.filename).stat().st_size
    objects = list(_objects(file, file.id, "", size))
    if len(objects) > _MAX_OBJECTS:
        raise _refusal(file, "/", f"{len(objects)} tables")
    tables = [(path, item, table_form(item)) for path, item in objects if isinstance(item, h5d.DatasetID)]
    declared = sum(prod(table.shape) * form.item_bytes for _, table, form in tables)
    if declared > MAX_RATIO * size:
        raise _refusal(file, "/", f"tables of {declared} bytes in a file of {size}")
    for path, table, form in tables:
        is_read_later = path == "/frames" and not frames
        problem = "" if is_read_later or not form.chunk_bytes else chunks_problem(table, form)
        if problem:
            raise _refusal(file, path, problem)


def _objects(
    file: h5py.File, group: h5py.h5g.GroupID, path: str, size: int
) -> Iterator[tuple[str, h5py.h5g.GroupID | h5d.DatasetID]]:
    """Check all objects of a group, except for their chunks, and yield their paths and themselves."""
    if path.count("/") > _MAX_DEPTH:
        raise _refusal(file, path, f"groups more than {_MAX_DEPTH} deep, or a group that contains itself")
    if group.get_num_objs() > _MAX_OBJECTS:
        raise _refusal(file, path or "/", f"{group.get_num_objs()} tables")
    for name, link in _links(group):
        inner = f"{path}/{name.decode(errors='replace')}"
        if link != h5l.TYPE_HARD:
            raise _refusal(file, inner, _LINKS.get(link, "a link of another program"))
        item = h5o.open(group, name)
        if isinstance(item, h5d.DatasetID):
            problem = _problem(item, size)
            if problem:
                raise _refusal(file, inner, problem)
        elif not isinstance(item, h5py.h5g.GroupID):
            raise _refusal(file, inner, "a named type")
        yield inner, item
        if isinstance(item, h5py.h5g.GroupID):
            yield from _objects(file, item, inner, size)


def _links(group: h5py.h5g.GroupID) -> list[tuple[bytes, int]]:
    """Return name and type of all links of a group; one call is faster than one for each link."""
    links: list[tuple[bytes, int]] = []
    group.links.iterate(lambda name, info: links.append((name, info.type)), info=True)
    return links


def _problem(table: h5d.DatasetID, file_size: int) -> str:
    """Return why a table is not a plain one; empty if it is."""
    properties = table.get_create_plist()
    if properties.get_layout() == h5d.VIRTUAL:
        return "a virtual dataset, whose data are in other files"
    if properties.get_external_count():
        return f"data in another file, {properties.get_external(0)[0].decode(errors='replace')!r}"
    kind = table.get_type()
    return _type_problem(kind) or _filter_problem(properties) or _size_problem(table, properties, kind, file_size)


def _type_problem(kind: h5t.TypeID) -> str:
    if kind.get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.STRING):
        return "data that are neither numbers nor text"
    if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
        return "text of variable length"
    return ""


def _filter_problem(properties: h5py.h5p.PropDCID) -> str:
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    unknown = [number for number in filters if number not in _FILTERS]
    if unknown:
        return f"the filter {unknown[0]}"
    return "a repeated filter" if len(set(filters)) != len(filters) else ""


def _size_problem(table: h5d.DatasetID, properties: h5py.h5p.PropDCID, kind: h5t.TypeID, file_size: int) -> str:
    """Return why the declared size of a table does not fit the stored data; empty if it does."""
    shape, item_bytes = table.shape, kind.get_size()
    if shape is None:
        return "a table without a shape"
    declared = prod(shape) * item_bytes
    if not declared or _is_stored(table, properties, declared, file_size):
        return ""
    stored = table.get_storage_size()
    return f"a table {shape} of {declared} bytes, but {stored} stored bytes in a file of {file_size}"


def _is_stored(table: h5d.DatasetID, properties: h5py.h5p.PropDCID, declared: int, file_size: int) -> bool:
    """Return True if all data of a table are in the file, compressed at most `MAX_RATIO` to 1."""
    layout = properties.get_layout()
    if layout == h5d.CHUNKED:
        chunk = properties.get_chunk()
        n_chunks = prod(ceil(length / size) for length, size in zip(table.shape, chunk, strict=True))
        is_small = declared <= MAX_RATIO * file_size and prod(chunk) <= prod(table.shape)
        return is_small and table.get_num_chunks() == n_chunks
    if layout == h5d.CONTIGUOUS:
        offset = table.get_offset()
        return offset is not None and offset + declared <= file_size
    return bool(table.get_storage_size() == declared)


def _refusal(file: h5py.File, name: str, found: str) -> DataError:
    return DataError(f"{file.filename}: {name}", found, _EXPECTED, _HINT)
