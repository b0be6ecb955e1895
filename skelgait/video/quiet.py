"""Silence of libraries that write to stderr from C."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Information and warnings of MediaPipe and its libraries; FFmpeg and OpenCV, which name an address or a time. Before
# them may be a progress bar, which has no line break.
_LIBRARY_LINE = re.compile(
    rb"^(?:INFO|WARNING): .*\n|[IW]\d{4} [\d:.]+ +\d+ \S+:\d+\] .*\n|\[[^\]\n]*@ ?[\da-fx.]+\] .*\n", re.MULTILINE
)


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
            others = _LIBRARY_LINE.sub(b"", captured.read())
            if others:
                with suppress(OSError):  # nobody reads stderr
                    os.write(2, others)
