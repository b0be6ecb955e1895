"""HDF5 files made to read other files, to fill the memory or to stop the program are refused at once."""

from __future__ import annotations

import fcntl
import re
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.reports.ranks_file import read_ranks
from skelgait.storage import hdf5_old_text, open_source
from skelgait.storage.hdf5_reader import open_hdf5
from skelgait.storage.shards import ShardIndex, write_shard
from tests.paths import DATA
from tests.storage.hdf5_files import FRAMES, KEYS, KINDS, read_maps, write_maps

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


CHUNK = (16, 2, 8, 6)
CHUNK_BYTES = 16 * 2 * 8 * 6
BLOSC = struct.Struct("<4B3I")
LZ4, UNCOMPRESSED = 0x30, 0x02


def _zeros_by_lz4(n_bytes: int) -> bytes:
    """Return a Blosc block of zeros, as one LZ4 match."""
    n_full, rest = divmod(n_bytes - 1 - 5 - 4 - 15, 255)
    block = b"\x1f\0\x01\0" + b"\xff" * n_full + bytes([rest]) + b"\x50" + bytes(5)
    return struct.pack("<i", len(block)) + block


def _blosc(
    flags: int = LZ4, content: int = CHUNK_BYTES, block: int = CHUNK_BYTES, starts: tuple[int, ...] = (20,)
) -> bytes:
    data = _zeros_by_lz4(block)
    size = BLOSC.size + 4 * len(starts) + len(data)
    return BLOSC.pack(2, 1, flags, 1, content, block, size) + struct.pack(f"<{len(starts)}i", *starts) + data


def _header(flags: int, content: int, total: int) -> bytes:
    return BLOSC.pack(2, 1, flags, 1, content, content, total)


def _gzip(n_bytes: int) -> bytes:
    return zlib.compress(bytes(n_bytes))


def _write_chunks(path: Path, compression: str, chunk: bytes, mask: int = 0, shape: tuple[int, ...] = CHUNK) -> None:
    """Write maps of which every chunk has the stored bytes `chunk`."""
    write_maps(path)
    filters = dict(hdf5plugin.Blosc(cname="lz4hc")) if compression == "lz4hc" else {"compression": compression}
    with h5py.File(path, "r+") as file:
        del file["frames"]
        frames = file.create_dataset("frames", (FRAMES * len(KEYS), 2, 8, 6), np.uint8, chunks=shape, **filters)
        for start in np.ndindex(*(-(-n // size) for n, size in zip(frames.shape, shape, strict=True))):
            frames.id.write_direct_chunk(tuple(np.multiply(start, shape)), chunk, mask)


CHUNKS: dict[str, tuple[str, bytes, int]] = {
    "header that is all of the chunk": ("lz4hc", _header(LZ4 | UNCOMPRESSED, CHUNK_BYTES, CHUNK_BYTES + 16), 0),
    "flags of no compressor": ("lz4hc", _header(UNCOMPRESSED, CHUNK_BYTES, CHUNK_BYTES + 16) + bytes(CHUNK_BYTES), 0),
    "uncompressed gigabyte": ("lz4hc", _header(LZ4 | UNCOMPRESSED, 2**30, 2**30 + 16), 0),
    "uncompressed with another size": ("lz4hc", _header(LZ4 | UNCOMPRESSED, CHUNK_BYTES, 16), 0),
    "fewer bytes by Blosc": ("lz4hc", _blosc(content=96, block=96), 0),
    "more bytes by Blosc": ("lz4hc", _blosc(content=2**20, block=2**20), 0),
    "one Blosc block many times": ("lz4hc", _blosc(block=CHUNK_BYTES // 16, starts=(80,) * 16), 0),
    "Blosc block before the data": ("lz4hc", _blosc(starts=(-4,)), 0),
    "Blosc block behind the data": ("lz4hc", _blosc(starts=(2**30,)), 0),
    "no Blosc blocks": ("lz4hc", _header(LZ4, CHUNK_BYTES, 16), 0),
    "no Blosc header": ("lz4hc", b"\x02\x01", 0),
    "Blosc block of no bytes": ("lz4hc", BLOSC.pack(2, 1, LZ4, 1, CHUNK_BYTES, 0, 16), 0),
    "fewer bytes by DEFLATE": ("gzip", _gzip(8), 0),
    "more bytes by DEFLATE": ("gzip", _gzip(500_000), 0),
    "damaged DEFLATE": ("gzip", b"abcdefgh" * 4, 0),
    "DEFLATE without its end": ("gzip", _gzip(CHUNK_BYTES)[:-4], 0),
    "fewer bytes without DEFLATE": ("gzip", b"abcdefgh" * 2, 1),
    "fewer bytes without Blosc": ("lz4hc", b"abcdefgh" * 2, 1),
}
_CHUNK_PROBLEM = r"found a damaged file \(a (damaged )?chunk"


@pytest.mark.parametrize("attack", CHUNKS)
def test_chunk_of_another_size_is_refused_before_it_is_decompressed(tmp_path: Path, attack: str) -> None:
    compression, chunk, mask = CHUNKS[attack]
    path = tmp_path / "file.h5"
    _write_chunks(path, compression, chunk, mask)
    maps = open_source(path, "map")
    with pytest.raises(DataError, match=rf"file\.h5: 000/nm-01/090: {_CHUNK_PROBLEM}"):
        maps.read(KEYS[0])
    with pytest.raises(DataError, match=_CHUNK_PROBLEM):
        maps.read(KEYS[0], lambda n_frames: np.arange(n_frames)[3:5])


@pytest.mark.parametrize(
    ("compression", "chunk", "mask"),
    [
        ("lz4hc", _blosc(), 0),
        ("lz4hc", bytes(CHUNK_BYTES), 1),
        ("gzip", _gzip(CHUNK_BYTES), 0),
        ("gzip", bytes(CHUNK_BYTES), 1),
    ],
)
def test_chunk_of_the_right_size_is_read(tmp_path: Path, compression: str, chunk: bytes, mask: int) -> None:
    _write_chunks(tmp_path / "file.h5", compression, chunk, mask)
    np.testing.assert_array_equal(
        open_source(tmp_path / "file.h5", "map").read(KEYS[0])[0], np.zeros((FRAMES, 2, 8, 6))
    )


def test_chunks_that_divide_frames_are_refused(tmp_path: Path) -> None:
    _write_chunks(tmp_path / "file.h5", "gzip", _gzip(CHUNK_BYTES // 2), shape=(16, 1, 8, 6))
    with pytest.raises(DataError, match=r"chunks \(16, 1, 8, 6\) of frames \(2, 8, 6\)"):
        open_source(tmp_path / "file.h5", "map").read(KEYS[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("chunk", "mask", "found"),
    [
        (_gzip(8), 0, "a damaged chunk, or one that does not decompress to"),
        (_gzip(10**6), 0, "a damaged chunk, or one that does not decompress to"),
        (b"abcdefgh", 0b11, "a chunk of 8 stored bytes instead of"),
        (b"abcdefgh", 0b01, "a chunk of 8 stored bytes instead of"),
    ],
)
def test_keys_in_a_chunk_of_another_size_are_refused_on_opening(
    tmp_path: Path, kind: str, chunk: bytes, mask: int, found: str
) -> None:
    path = tmp_path / "file.h5"
    KINDS[kind].write(path)
    with h5py.File(path, "r+") as file:
        keys = file["keys"][:]
        del file["keys"]
        table = file.create_dataset("keys", data=keys, chunks=keys.shape, compression="gzip", fletcher32=True)
        table.id.write_direct_chunk((0, 0), chunk + b"\0" * 4 * (mask == 0), mask)
    with pytest.raises(DataError) as caught:
        KINDS[kind].read(path)
    assert caught.value.where == f"{path}: /keys"
    assert caught.value.found.startswith(found)


def test_uncompressed_table_with_a_short_chunk_is_refused_on_opening(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    write_maps(path)
    with h5py.File(path, "r+") as file:
        file["offsets"].id.write_direct_chunk((0,), b"abcdefgh")
    with pytest.raises(DataError, match="/offsets: found a chunk of 8 stored bytes instead of 44"):
        read_maps(path)


@pytest.mark.parametrize("compression", ["lz4hc", "gzip"])
@pytest.mark.parametrize("is_black", [False, True])
def test_any_frames_of_checked_chunks_equal_those_written(tmp_path: Path, compression: str, is_black: bool) -> None:
    values = np.random.default_rng(0).integers(0, 255, (50, 2, 8, 6), np.uint8)
    values[8:40] = 0 if is_black else values[8:40]
    index = ShardIndex(KEYS[:2], [0, 27, 50], ["090"] * 2)
    path = tmp_path / "shard-00000.h5"
    write_shard(path, index, [values[:27], values[27:]], "map", source="s", settings={}, compression=compression)  # type: ignore[arg-type]
    maps = open_source(path, "map")
    for key, sequence in ((KEYS[0], values[:27]), (KEYS[1], values[27:]), (KEYS[0], values[:27])):
        for start in range(len(sequence)):
            for stop in range(start + 1, len(sequence) + 1, 5):
                (frames,) = maps.read(key, lambda _, start=start, stop=stop: np.arange(start, stop))
                np.testing.assert_array_equal(frames, sequence[start:stop])


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


def test_one_table_under_many_names_is_refused(tmp_path: Path) -> None:
    path, maps = tmp_path / "shard-00000.h5", np.zeros((500, 2, 64, 44), np.uint8)
    write_shard(path, ShardIndex(KEYS[:1], [0, 500], ["090"]), [maps], "map", source="s", settings={})
    with h5py.File(path, "r+") as file:
        for i in range(100):
            file[f"more{i}"] = file["frames"]
    with pytest.raises(DataError, match=r"shard-00000\.h5: /: found tables of \d+ bytes in a file of \d+"):
        open_source(path, "map")


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


def _one_text_in_many_attributes(path: Path, n_attributes: int, n_bytes: int) -> None:
    """Write a file whose attributes of variable length all refer to one text."""
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["text"] = "B" * n_bytes
        for i in range(n_attributes):
            file.attrs[f"a{i}"] = "s" * 7
    content = bytearray(path.read_bytes())

    def references(length: int) -> list[int]:
        starts = (match.start() for match in re.finditer(re.escape(struct.pack("<I", length)), content))
        addresses = {at: int.from_bytes(content[at + 4 : at + 12], "little") for at in starts}
        return [at for at, address in addresses.items() if content[address : address + 4] == b"GCOL"]

    (text,) = references(n_bytes)
    for at in references(7):
        content[at : at + 16] = content[text : text + 16]
    assert len(references(n_bytes)) == n_attributes + 1
    path.write_bytes(content)


def test_one_old_text_in_many_attributes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ranks.h5"
    _one_text_in_many_attributes(path, 50, 100_000)
    with pytest.raises(ValueError, match="attributes that cannot be read: more text than the file holds"):
        hdf5_old_text.read_old_texts(path)


def test_old_text_longer_than_the_memory_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ranks.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["text"] = "B" * 12_345
    content = path.read_bytes().replace(struct.pack("<I", 12_345), struct.pack("<I", 2**32 - 2), 1)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="attributes that cannot be read"):
        hdf5_old_text.read_old_texts(path)


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
