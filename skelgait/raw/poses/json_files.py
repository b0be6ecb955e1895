"""JSON files that may be large, damaged, or another program's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skelgait.errors import DataError


def read_json(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    hint = "export the poses again"
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a JSON file", "check the path") from error
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"no JSON ({error})", "a JSON file", hint) from error
