"""Check of the records in a checkpoint file, which torch reads without comparing their checksums."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from skelgait.errors import CheckpointError

_EXPECTED = "a file written by torch.save"
_HINT = "use an earlier checkpoint, or download it again"
_BLOCK = 2**20
_START = b"PK\x03\x04"
# Fixed parts of a record's header, of the end record, and with 64 bits: end record and its locator.
_HEADER = struct.Struct("<4s22xHH")
_END = struct.Struct("<4s8xLLH")
_END_64 = struct.Struct("<4s36xQQ")
_LOCATOR = struct.Struct("<4s4xQ4x")
_LARGE, _ID_64 = 2**32 - 1, 1


def has_records(path: Path) -> bool:
    """Return True if torch reads a checkpoint as a zip file, with checksums; torch before 1.6 wrote other files."""
    with path.open("rb") as file:
        return file.read(len(_START)) == _START


def read_checked_pickle(path: Path) -> bytes:
    """Return the pickle in a zip file after comparing the CRC-32 of all records; torch stores them uncompressed.

    Readers of zip files disagree on unusual ones. Only the layout that torch writes is accepted, which all of them read
    alike.

    Raises:
        CheckpointError: if a record is damaged or compressed, the layout is unusual, or it is a TorchScript file.
        BadZipFile: if the file is no zip file.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file, ZipFile(file) as content:
        start = _find_directory(path, file)
        if content.start_dir != start:
            _refuse(path, f"a list of records at {content.start_dir} and at {start}")
        records = content.infolist()
        if any("/code/__torch__" in record.filename for record in records):
            hint = "pass the checkpoint that it was exported from"
            raise CheckpointError(path, "a TorchScript file", "a checkpoint of skelgait or of OpenGait", hint)
        _check_names(path, records)
        _check_sizes(path, records)
        _check_positions(path, file, records, start)
        for record in records:
            _check_record(path, content, record)
        return content.read(_find_pickle(path, records))


def _find_pickle(path: Path, records: list[ZipInfo]) -> ZipInfo:
    """Return the record that torch reads: data.pkl in the folder of the first record."""
    folder = records[0].filename.partition("/")[0] if records else ""
    for record in records:
        if record.filename.lower() == f"{folder}/data.pkl".lower():
            return record
    _refuse(path, f"no record '{folder}/data.pkl'")


def _refuse(path: Path, found: str) -> NoReturn:
    raise CheckpointError(path, found, _EXPECTED, _HINT)


def _find_directory(path: Path, file: BinaryIO) -> int:
    """Return the position of the list of records; the end record and nothing else must follow the list."""
    position = path.stat().st_size - _END.size
    if position < 0:
        raise BadZipFile("no end record")
    signature, size, start, n_comment = _read(file, position, _END)
    if signature != b"PK\x05\x06" or n_comment:
        _refuse(path, "bytes after the end of the zip file, or a missing end")
    end = position
    at = position - _LOCATOR.size
    if at >= _END_64.size and _read(file, at, _LOCATOR)[0] == b"PK\x06\x07":
        end = at - _END_64.size
        signature, size_64, start_64 = _read(file, end, _END_64)
        is_same = size in (size_64, _LARGE) and start in (start_64, _LARGE)
        if signature != b"PK\x06\x06" or _read(file, at, _LOCATOR)[1] != end or not is_same:
            _refuse(path, "two ends of the zip file")
        size, start = size_64, start_64
    if start + size != end:
        _refuse(path, f"a list of records that ends at {start + size}, its end record at {end}")
    return int(start)


def _read(file: BinaryIO, position: int, form: struct.Struct) -> tuple[Any, ...]:
    file.seek(position)
    data = file.read(form.size)
    if len(data) != form.size:
        raise BadZipFile("a truncated record")
    return form.unpack(data)


def _check_names(path: Path, records: list[ZipInfo]) -> None:
    """Refuse several records that torch, which ignores case, takes for the same."""
    names = set()
    for record in records:
        name = record.filename.lower()
        if name in names or record.orig_filename != record.filename:
            _refuse(path, f"several records {record.filename!r}")
        names.add(name)
        if _n_fields_64(record.extra) > 1:
            _refuse(path, f"several sizes of the record {record.filename!r}")


def _n_fields_64(extra: bytes) -> int:
    count, position = 0, 0
    while position + 4 <= len(extra):
        field, size = struct.unpack_from("<HH", extra, position)
        count += field == _ID_64
        position += 4 + size
    return count


def _check_sizes(path: Path, records: list[ZipInfo]) -> None:
    compressed = [record.filename for record in records if record.compress_type != ZIP_STORED]
    if compressed:
        hint = "a small compressed file may fill the memory; save it again with torch.save"
        raise CheckpointError(path, f"the compressed record {compressed[0]!r}", _EXPECTED, hint)
    size, declared = path.stat().st_size, sum(record.file_size for record in records)
    if declared > size:
        raise CheckpointError(path, f"records of {declared} bytes in a file of {size}", _EXPECTED, "use another file")
    for record in records:
        if record.compress_size != record.file_size:
            _refuse(path, f"two sizes of the record {record.filename!r}")


def _check_positions(path: Path, file: BinaryIO, records: list[ZipInfo], end: int) -> None:
    """Refuse records that overlap, or that do not begin with a header."""
    spans = []
    for record in records:
        signature, n_name, n_extra = _read(file, record.header_offset, _HEADER)
        if signature != _START:
            _refuse(path, f"no record {record.filename!r} at its position {record.header_offset}")
        length = _HEADER.size + n_name + n_extra + record.file_size
        spans.append((record.header_offset, record.header_offset + length))
    for (_, stop), (start, _) in pairwise([*sorted(spans), (end, end)]):
        if stop > start:
            _refuse(path, "records that overlap")


def _check_record(path: Path, content: ZipFile, record: ZipInfo) -> None:
    try:
        with content.open(record) as stream:
            while stream.read(_BLOCK):
                pass
    except (BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        found = f"a damaged file (the record {record.filename!r} differs from its checksum)"
        raise CheckpointError(path, found, _EXPECTED, _HINT) from error
