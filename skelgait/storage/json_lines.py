"""Files with one JSON object per line, whose last line may be truncated by a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skelgait.errors import DataError


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read the objects of a file, in order. Lines without a complete object are skipped; a missing file has none.

    Raises:
        DataError: if the file exists and cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a file of JSON lines", "check the path") from error
    return [value for line in text.split("\n") if isinstance(value := _parse(line), dict)]


def _parse(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
