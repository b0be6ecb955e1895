"""Folder of files that are fetched or made once."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return skelgait's folder in the user's cache folder (XDG_CACHE_HOME, else ~/.cache)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skelgait"
