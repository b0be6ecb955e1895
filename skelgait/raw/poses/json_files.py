"""JSON files of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skelgait.errors import DataError


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: if it cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a JSON file", "check the path") from error
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"invalid JSON ({error})", "a JSON file", "export the poses again") from error
