"""HDF5 files made to read other files, to fill the memory or to stop the program are refused at once."""

from __future__ import annotations

import fcntl
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.reports.ranks_file import read_ranks
from skelgait.storage import hdf5_old_text, open_source
from skelgait.storage.hdf5_reader import open_hdf5
from skelgait.storage.shards import ShardIndex, write_shard
from tests.paths import DATA
from tests.storage.hdf5_files import KEYS, KINDS, read_maps, write_maps

OLD_FILES = DATA / "files_of_0_1_0"
SECRET = "root:x:0:0\n" * 100_000


def _external(table: h5py.Dataset, folder: Path) -> None:
    (folder / "secret").write_text(SECRET)
    parent, name, shape, dtype = table.parent, table.name, table.shape, table.dtype
    del parent[name]
    parent.create_dataset(name, shape, dtype, external=[(str(folder / "secret"), 0, table_bytes(shape, dtype))])


def table_bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return int(np.prod(shape)) * dtype.itemsize


def _virtual(table: h5py.Dataset, folder: Path) -> None:
    parent, name, shape, dtype = table.parent, table.name, table.shape, table.dtype
    layout = h5py.VirtualLayout(shape, dtype)
    layout[:] = h5py.VirtualSource(str(folder / "missing.h5"), "x", shape, dtype)
    del parent[name]
    parent.create_virtual_dataset(name, layout)


def _as(link: Callable[[Path], object]) -> Callable[[h5py.Dataset, Path], None]:
    def change(table: h5py.Dataset, folder: Path) -> None:
        parent, name = table.parent, table.name
        del parent[name]
        parent[name] = link(folder)

    return change


def _replaced(**properties: object) -> Callable[[h5py.Dataset, Path], None]:
    def change(table: h5py.Dataset, _: Path) -> None:
        parent, name, content = table.parent, table.name, table[:]
        del parent[name]
        parent.create_dataset(name, data=content, **properties)

    return change


def _declared(**properties: object) -> Callable[[h5py.Dataset, Path], None]:
    def change(table: h5py.Dataset, _: Path) -> None:
        parent, name, shape, dtype = table.parent, table.name, table.shape, table.dtype
        del parent[name]
        parent.create_dataset(name, (300_000, *shape[1:]), dtype, **properties)

    return change


def _partly_written(table: h5py.Dataset, _: Path) -> None:
    parent, name, content = table.parent, table.name, table[:]
    del parent[name]
    chunks = (1, *content.shape[1:])
    parent.create_dataset(name, (300_000, *content.shape[1:]), content.dtype, chunks=chunks, fletcher32=True)
    parent[name][: len(content)] = content


def _itself(table: h5py.Dataset, _: Path) -> None:
    group = table.file.create_group("loop")
    group["loop"] = group


def _references(table: h5py.Dataset, _: Path) -> None:
    table.file.create_dataset("more", (2,), h5py.ref_dtype)


def _compound(table: h5py.Dataset, _: Path) -> None:
    table.file["more"] = np.zeros(3, [("a", "i4"), ("b", "f4")])


def _variable(table: h5py.Dataset, _: Path) -> None:
    table.file.create_dataset("more", (2,), h5py.vlen_dtype(np.int32))


def _named_type(table: h5py.Dataset, _: Path) -> None:
    table.file["more"] = np.dtype("i4")


ATTACKS = {
    "external data": (_external, "data in another file, "),
    "virtual dataset": (_virtual, "a virtual dataset, whose data are in other files"),
    "soft link": (_as(lambda _: h5py.SoftLink("/keys")), "a soft link"),
    "external link": (_as(lambda folder: h5py.ExternalLink(str(folder / "x.h5"), "/y")), "a link to another file"),
    "group that contains itself": (_itself, "groups more than 2 deep, or a group that contains itself"),
    "references": (_references, "data that are neither numbers nor text"),
    "compound": (_compound, "data that are neither numbers nor text"),
    "variable length": (_variable, "data that are neither numbers nor text"),
    "named type": (_named_type, "a named type"),
    "filter LZF": (_replaced(compression="lzf"), "the filter 32000"),
    "filter shuffle": (_replaced(shuffle=True), "the filter 2"),
    "filter scale-offset": (_replaced(scaleoffset=0), "the filter 6"),
    "300,000 declared rows": (_declared(), "a table (300000, "),
    "300,000 declared rows in chunks": (_declared(chunks=True, compression="gzip"), "a table (300000, "),
    "300,000 declared rows with a fill value": (_declared(fillvalue=7), "a table (300000, "),
    "300,000 declared rows, some of them written": (_partly_written, "a table (300000, "),
}


@pytest.mark.parametrize("kind", ["maps", "pairs", "embeddings"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_file_with_anything_but_plain_tables_is_refused(tmp_path: Path, kind: str, attack: str) -> None:
    (change, found), (table, write, read) = ATTACKS[attack], KINDS[kind]
    if attack == "filter scale-offset" and kind == "embeddings":
        pytest.skip("this filter would change the numbers")
    path = tmp_path / "file.h5"
    write(path)
    with h5py.File(path, "r+") as file:
        change(file[table], tmp_path)
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(DataError) as caught:
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.where.startswith(f"{path}: /")
    assert caught.value.found.startswith(found)
    assert "expected plain tables with all data in this file" in str(caught.value)
    assert (time.perf_counter() - start < 1, peak < 50e6) == (True, True)


def test_bytes_before_the_file_are_refused(tmp_path: Path) -> None:
    path, moved = tmp_path / "file.h5", tmp_path / "moved.h5"
    write_maps(path)
    with h5py.File(moved, "w", userblock_size=512) as target, h5py.File(path) as source:
        for name in source:
            source.copy(name, target)
    with pytest.raises(DataError, match="found 512 bytes before the start of the HDF5 data"):
        read_maps(moved)


@pytest.mark.parametrize("compression", ["lz4hc", "gzip", "none"])
def test_black_maps_are_read_although_they_compress_most(tmp_path: Path, compression: str) -> None:
    maps = np.zeros((500, 2, 64, 44), np.uint8)
    index = ShardIndex(KEYS[:1], [0, len(maps)], ["090"])
    path = tmp_path / "shard-00000.h5"
    write_shard(path, index, [maps], "map", source="s", settings={}, compression=compression)  # type: ignore[arg-type]
    np.testing.assert_array_equal(open_source(path, "map").read(KEYS[0])[0], maps)


def test_maps_of_0_1_0_with_a_looping_heap_are_read(tmp_path: Path) -> None:
    content = (OLD_FILES / "maps" / "shard-00000.h5").read_bytes()
    path = tmp_path / "shard-00000.h5"
    path.write_bytes(content[:311] + b"\x08" + content[312:])  # h5py does not return from reading the attributes
    maps = open_source(path, "map")
    np.testing.assert_array_equal(maps.read(maps.keys[0])[0].ravel(), np.arange(128))


def test_ranks_of_0_1_0_with_a_looping_heap_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (OLD_FILES / "report" / "ranks.h5").read_bytes()
    at = content.index(b"GCOL") + 24
    path = tmp_path / "ranks.h5"
    path.write_bytes(content[:at] + struct.pack("<Q", 2**64 - 16) + content[at + 8 :])
    monkeypatch.setattr(hdf5_old_text, "_LIMIT_S", 2.0)
    with pytest.raises(DataError, match=r"ranks\.h5: found a damaged file \(attributes that cannot be read in 2 sec"):
        read_ranks(path)


@pytest.mark.parametrize("kind", KINDS)
def test_written_files_hold_no_text_of_variable_length(tmp_path: Path, kind: str) -> None:
    KINDS[kind].write(tmp_path / "file.h5")
    assert b"GCOL" not in (tmp_path / "file.h5").read_bytes()


def test_locked_file_is_called_locked(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    write_maps(path)
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="found a file locked by another program"):
            read_maps(path)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (MemoryError(), "more data than fit into memory"),
        (RecursionError("too deep"), "a damaged file (too deep)"),
        (OverflowError("too large"), "a damaged file (too large)"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "a damaged file ('utf-8' codec"),
        (IndexError("no row"), "a damaged file (no row)"),
    ],
)
def test_error_inside_a_file_names_the_file(tmp_path: Path, error: Exception, found: str) -> None:
    write_maps(tmp_path / "file.h5")
    with pytest.raises(DataError) as caught, open_hdf5(tmp_path / "file.h5", "maps", "make them again"):
        raise error
    assert caught.value.where == str(tmp_path / "file.h5")
    assert caught.value.found.startswith(found)
