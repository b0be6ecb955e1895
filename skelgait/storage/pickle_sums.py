"""Checksums at the end of a pickle file, after the pickle, where `pickle.load` and OpenGait do not read.

One line holds the SHA-256 of all bytes before it, and that of the file with the names of the frames. So the checksums
are written, replaced, copied and removed together with the data, by any number of processes.
"""

from __future__ import annotations

import hashlib
import os
import re
from io import FileIO
from pathlib import Path

from skelgait.errors import DataError, reading
from skelgait.storage.frame_names import source_of_frame_names

_LINE = re.compile(rb"\n#sha256 (?P<content>[0-9a-f]{64}) frame_names (?P<names>[0-9a-f]{64}|-{64})\n")
_NO_NAMES = "-" * 64
_LENGTH = len(b"\n#sha256  frame_names \n") + 2 * 64
_HINT = "restore it, or remove it and run the command that wrote it again"


def sums_line(content_sha256: str, frame_names: str | None) -> bytes:
    """Return the line at the end of a pickle file.

    Args:
        content_sha256: SHA-256 of the pickle in hexadecimal digits.
        frame_names: content of the file with the names of its frames; None: there is none.
    """
    names = _NO_NAMES if frame_names is None else hashlib.sha256(frame_names.encode()).hexdigest()
    return f"\n#sha256 {content_sha256} frame_names {names}\n".encode()


def pickle_length(descriptor: int) -> int:
    """Return the number of bytes of an open pickle file without its checksums; the file is read from its start next."""
    size = os.fstat(descriptor).st_size
    if size < _LENGTH:
        return size
    os.lseek(descriptor, size - _LENGTH, os.SEEK_SET)
    line = os.read(descriptor, _LENGTH)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return size - _LENGTH if _LINE.fullmatch(line) else size


def verify_pickle(path: Path) -> bool:
    """Compare a pickle file and the names of its frames with their checksums.

    Returns:
        False if the file has no checksums.

    Raises:
        DataError: if the file or the names are damaged.
    """
    with reading(path, "an undamaged pickle", _HINT), FileIO(path) as file:
        length = pickle_length(file.fileno())
        digest = hashlib.sha256()
        rest = length
        while rest and (block := file.read(min(rest, 2**20))):
            digest.update(block)
            rest -= len(block)
        match = _LINE.fullmatch(file.read())
    if match is None:
        return False
    if digest.hexdigest() != match["content"].decode():
        raise DataError(path, "content that differs from its checksum", "an undamaged pickle", _HINT)
    _verify_names(path, match["names"].decode())
    return True


def _verify_names(pickle: Path, expected: str) -> None:
    path = source_of_frame_names(pickle)
    with reading(path, "undamaged names of frames", _HINT):
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else _NO_NAMES
    if found != expected:
        problem = "no such file" if found == _NO_NAMES else "content that differs from its checksum"
        raise DataError(path, problem, f"the frame names of {pickle.name}", _HINT)
