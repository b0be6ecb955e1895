"""Files of one JSON object a line, as they grow: a kill may cut off their last line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skelgait.errors import DataError


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, in its order; lines that hold no whole object are read past, and no file has none.

    Raises:
        DataError: the file is there and cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a file of JSON lines", "check the path") from error
    return [found for line in text.split("\n") if isinstance(found := _parsed(line), dict)]


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
