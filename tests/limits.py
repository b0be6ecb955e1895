"""Limits on time and memory, for files that attack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def within(seconds: float = 5.0, megabytes: float = 500.0) -> Iterator[None]:
    """Check that the block takes less time and memory than given; memory is only measured on Linux.

    Args:
        seconds: time, generous for a machine that also does other work.
        megabytes: growth of the resident memory at its peak.
    """
    before, start = _reset_peak(), time.perf_counter()
    yield
    elapsed = time.perf_counter() - start
    assert elapsed < seconds, f"{elapsed:.1f} s"
    if before is not None:
        grown = _megabytes("VmHWM") - before
        assert grown < megabytes, f"{grown:.0f} MB"


def _reset_peak() -> float | None:
    """Forget the peak, and return the resident memory; None if the system has no such figures."""
    try:
        _RESET.write_text("5")
    except OSError:
        return None
    return _megabytes("VmRSS")


def _megabytes(name: str) -> float:
    lines = (line.split() for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(next(lines)[1]) / 1024
