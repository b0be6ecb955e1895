"""Files with one JSON object per line, whose last line may be truncated by a kill."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from skelgait.errors import reading

log = logging.getLogger(__name__)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read the objects of a file, in order; a missing file has none.

    Lines without a complete object are skipped. A warning counts them, except the last line if a kill truncated it.

    Raises:
        DataError: if the file exists and cannot be read.
    """
    if not path.exists():
        return []
    with reading(path, "a file of JSON lines", "check the path"):
        *lines, last = path.read_bytes().split(b"\n")
    values = [parse_line(line) for line in lines if line.strip()]
    damaged = values.count(None)
    if damaged:
        log.warning("%s: found %d damaged lines, and skipped them; restore the file to have them", path, damaged)
    return [value for value in (*values, parse_line(last)) if value is not None]


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the object in a line; None if there is no complete one."""
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
