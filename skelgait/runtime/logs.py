"""Log file of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelgait.display import printable
from skelgait.errors import DataError


class PrintableFormatter(logging.Formatter):
    """Formatter of messages in one line, whatever the names in them contain."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted record."""
        return printable(super().format(record)) if record.exc_info is None else super().format(record)


@contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """Append the log messages of skelgait, level INFO and above, to a file while the block runs.

    Args:
        path: log file; None: no file.

    Raises:
        DataError: if the file cannot be written.
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
    handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(message)s"))
    handler.setLevel(logging.INFO)
    level = logger.level
    for other in logger.handlers:
        # The other handlers keep their threshold although the logger now accepts INFO.
        other.setLevel(max(other.level, level))
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
