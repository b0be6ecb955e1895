"""Errors about processes that were killed, with the memory that was used."""

from __future__ import annotations

import signal
from pathlib import Path

from skelgait.errors import SkelgaitError

try:
    import resource
    import sys

    # Linux counts kilobytes, macOS bytes.
    _UNIT = 1 if sys.platform == "darwin" else 1024
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_MEMORY_FILE = Path("/proc/meminfo")


class KilledProcessError(SkelgaitError):
    """End of a process that was killed, usually by the system because memory ran out."""


def killed_process(process: str, exit_code: int | None, hint: str) -> KilledProcessError:
    """Return the error about a killed process.

    Args:
        process: name of the process, for example "worker process".
        exit_code: its exit code, negative for a signal; None: unknown.
        hint: what to do about it.
    """
    return KilledProcessError(process, f"{how_it_ended(exit_code)} ({memory_use()})", "a process that finishes", hint)


def how_it_ended(exit_code: int | None) -> str:
    """Return what an exit code says: "killed by SIGKILL, as the system does when memory runs out"."""
    if exit_code is None:
        return "killed"
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"killed by {name}" + (", as the system does when memory runs out" if name == "SIGKILL" else "")


def memory_use() -> str:
    """Return the largest memory of this process and of its ended children, and the free memory, as far as known."""
    parts = []
    if resource is not None:
        for name, scope in (("this process", resource.RUSAGE_SELF), ("its largest child", resource.RUSAGE_CHILDREN)):
            parts.append(f"{name} {resource.getrusage(scope).ru_maxrss * _UNIT / 1e9:.1f} GB")
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY_FILE.read_text().splitlines())
        free, total = (int(lines[name].split()[0]) * 1024 / 1e9 for name in ("MemAvailable", "MemTotal"))
        parts.append(f"{free:.1f} of {total:.1f} GB free now")
    except (OSError, ValueError, KeyError):  # not Linux
        pass
    return f"memory at most: {', '.join(parts)}" if parts else "memory unknown"
