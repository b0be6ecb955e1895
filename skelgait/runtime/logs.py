"""The log file of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.errors import DataError


@contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """Add all that skelgait logs, from INFO on, to the file `path` while the block runs; None for nowhere.

    Raises:
        DataError: the file cannot be written.
    """
    if path is None:
        yield
        return
    logger = logging.getLogger("skelgait")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        found, hint = error.strerror or str(error), "choose another folder with --runs"
        raise DataError(path, found, "a file that can be written", hint) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.INFO)
    before = logger.level
    for other in logger.handlers:
        # What others show stays what it was, though the logger lets more through for the file.
        other.setLevel(max(other.level, before))
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()
