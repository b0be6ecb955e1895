"""Check of the records in a checkpoint file, which torch reads without comparing their checksums."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo, is_zipfile

from skelgait.errors import CheckpointError

_EXPECTED = "a file written by torch.save"
_BLOCK = 2**20


def check_records(path: Path) -> None:
    """Compare the CRC-32 of all records in a zip file; torch stores them uncompressed.

    Raises:
        CheckpointError: if a record is damaged or compressed, or the records are longer than the file.
        BadZipFile: if the file is no zip file.
        OSError: if it cannot be read.
    """
    with ZipFile(path) as content:
        records = content.infolist()
        compressed = [record.filename for record in records if record.compress_type != ZIP_STORED]
        if compressed:
            hint = "a small compressed file may fill the memory; save it again with torch.save"
            raise CheckpointError(path, f"the compressed record {compressed[0]!r}", _EXPECTED, hint)
        size, declared = path.stat().st_size, sum(record.file_size for record in records)
        if declared > size:
            raise CheckpointError(
                path, f"records of {declared} bytes in a file of {size}", _EXPECTED, "use another file"
            )
        for record in records:
            _check_record(path, content, record)


def has_records(path: Path) -> bool:
    """Return True if a checkpoint is a zip file, with checksums; torch before 1.6 wrote other files."""
    return is_zipfile(path)


def _check_record(path: Path, content: ZipFile, record: ZipInfo) -> None:
    try:
        with content.open(record) as stream:
            while stream.read(_BLOCK):
                pass
    except (BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        hint = "use an earlier checkpoint, or download it again"
        found = f"a damaged file (the record {record.filename!r} differs from its checksum)"
        raise CheckpointError(path, found, _EXPECTED, hint) from error
