"""Group of processes that share a job; needs no torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skelgait.runtime.launch import launched


def _gather_alone(item: Any) -> list[Any]:
    return [item]


@dataclass(frozen=True)
class ProcessGroup:
    """Processes that share a job.

    Attributes:
        rank: rank of this process; default: 0.
        size: number of processes; default: 1.
        gather: returns the items of all processes, in order of rank. Every process must call it, and waits for the
            others.
    """

    rank: int = 0
    size: int = 1
    gather: Callable[[Any], list[Any]] = _gather_alone


SINGLE = ProcessGroup()
"""Group of one process."""


def process_group() -> ProcessGroup:
    """Return the current process group; needs no torch in a single process."""
    if not launched():
        return SINGLE
    from skelgait.runtime.processes import joined_group

    return joined_group()


def is_main() -> bool:
    """Return True in the process of rank 0, which writes files and reports."""
    return process_group().rank == 0


def processes_on_this_machine() -> int:
    """Return the number of processes that the launcher started on this machine; 1 without a launcher."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
