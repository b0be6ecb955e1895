"""Checkpoint folder of a run; needs no torch."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from skelgait.errors import CheckpointError, DataError
from skelgait.storage.atomic import remove_file, write_error


def checkpoint_path(run: Path, iteration: int) -> Path:
    """Return the path of a checkpoint.

    Args:
        run: folder of the run.
        iteration: number of optimizer steps.
    """
    return run / "checkpoints" / f"checkpoint-{iteration:06d}.pt"


def list_checkpoints(run: Path) -> dict[int, Path]:
    """Return the checkpoints of a run by iteration.

    Args:
        run: folder of the run.
    """
    return {
        int(match[1]): path
        for path in (run / "checkpoints").glob("*.pt")
        if (match := re.fullmatch(r"checkpoint-(\d+)", path.stem))
    }


def find_checkpoint(run: Path, iteration: int | None = None) -> Path:
    """Return the path of an existing checkpoint.

    Args:
        run: folder of the run.
        iteration: iteration of the checkpoint; None: the newest one.

    Raises:
        CheckpointError: if there is no such checkpoint.
    """
    checkpoints = list_checkpoints(run)
    if iteration is None:
        iteration = max(checkpoints, default=None)
    if iteration is None:
        raise CheckpointError(run, "no checkpoint", "a checkpoint", "train first, or give another run with --run-name")
    if iteration not in checkpoints:
        found = f"checkpoints {', '.join(map(str, sorted(checkpoints)))}" if checkpoints else "no checkpoint"
        expected = f"the checkpoint of iteration {iteration}"
        raise CheckpointError(run, found, expected, "choose one of these, or give another run with --run-name")
    return checkpoints[iteration]


def remove_old_checkpoints(run: Path, keep_last: int, best: int | None) -> None:
    """Remove the old checkpoints of a run.

    Args:
        run: folder of the run.
        keep_last: number of recent checkpoints to keep, at least 1.
        best: iteration of another checkpoint to keep; None: no other.

    Raises:
        DataError: if a file cannot be removed.
    """
    checkpoints = list_checkpoints(run)
    for iteration in sorted(checkpoints)[:-keep_last]:
        if iteration != best:
            remove_file(checkpoints[iteration])


def check_free_space(run: Path, size_bytes: int) -> None:
    """Check that the disk has space for the next checkpoint.

    Args:
        run: folder of the run; may be missing.
        size_bytes: size of a checkpoint in bytes.

    Raises:
        DataError: if there is less free space.
    """
    folder = next(parent for parent in (run, *run.resolve().parents) if parent.is_dir())
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise write_error(run, error) from error
    if free_bytes < size_bytes:
        found = f"{free_bytes / 2**20:.0f} MB free on the disk"
        expected = f"{size_bytes / 2**20:.0f} MB for the next checkpoint"
        raise DataError(
            run, found, expected, "free some space, or keep fewer checkpoints with --keep-last, then use --resume"
        )
