"""The processes that share a job, as the job sees them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProcessGroup:
    """Processes that share a job.

    Attributes:
        rank: this process among them.
        size: how many there are.
        gather: what every process holds, in order of rank; each of them must call it, and waits for the others.
    """

    rank: int = 0
    size: int = 1
    gather: Callable[[Any], list[Any]] = lambda item: [item]


SINGLE = ProcessGroup()


def processes_on_this_machine() -> int:
    """How many processes the launcher started on this machine; 1 where none did."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
