"""The checkpoints in the folder of a run."""

from __future__ import annotations

import re
from pathlib import Path

from skelgait.errors import CheckpointError


def checkpoint_path(run: Path, iteration: int) -> Path:
    """Where the checkpoint of an iteration lies in the folder of a run."""
    return run / "checkpoints" / f"checkpoint-{iteration:06d}.pt"


def find_checkpoint(run: Path, iteration: int | None = None) -> Path:
    """The checkpoint of an iteration in the folder of a run; the newest where None.

    Raises:
        CheckpointError: there is none.
    """
    there = {
        int(match[1]): path
        for path in (run / "checkpoints").glob("*.pt")
        if (match := re.fullmatch(r"checkpoint-(\d+)", path.stem))
    }
    wanted = max(there, default=None) if iteration is None else iteration
    if wanted not in there:
        found = f"checkpoints {', '.join(map(str, sorted(there)))}" if there else "none"
        expected = "a checkpoint" if iteration is None else f"the checkpoint of iteration {iteration}"
        raise CheckpointError(run, found, expected, "train first, or name another run with --run-name")
    return there[wanted]
