"""One try: a damaged file is read, and everything but a `SkelgaitError` is a find."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

from skelgait.errors import SkelgaitError

_START_NS = 1_700_000_000_000_000_000


def attempt(path: Path, content: bytes, read: Callable[[Path], object], number: int = 0) -> str:
    """Return the find: the error and the line of skelgait that it comes from; empty if there is none.

    Args:
        path: file to write.
        content: damaged content.
        read: reader of the file.
        number: number of the try; the time of the file differs for each, as readers may keep what they have read.
    """
    path.write_bytes(content)
    os.utime(path, ns=(_START_NS + number, _START_NS + number))
    try:
        read(path)
    except SkelgaitError as error:
        return "" if str(path.name) in str(error) or str(path.parent) in str(error) else f"error without file: {error}"
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "/skelgait/" in f.filename]
        line = f"{Path(frames[-1].filename).name} {frames[-1].lineno}" if frames else "outside of skelgait"
        return f"{type(error).__name__} at {line}: {error!s:.100}"
    return ""
