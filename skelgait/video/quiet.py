"""Silence of libraries that write to stderr from C."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Information and warnings of MediaPipe and its libraries; FFmpeg and OpenCV, which name an address or a time.
_LIBRARY_LINE = re.compile(rb"(?:INFO|WARNING): |[IW]\d{4} [\d:.]+ +\d+ \S+:\d+\] |\[[^\]]*@ ?[\da-fx.]+\] ")


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard the log lines that MediaPipe, FFmpeg and OpenCV write to stderr while the block runs.

    Other text, such as that of another thread, is written after the block.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        try:
            os.dup2(captured.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            captured.seek(0)
            others = b"".join(line for line in captured if not _LIBRARY_LINE.match(line))
            if others:
                with suppress(OSError):  # nobody reads stderr
                    os.write(2, others)
