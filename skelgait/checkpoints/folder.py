"""The checkpoints in the folder of a run: which there are, which are kept, and whether another one fits on the disk."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from skelgait.errors import CheckpointError, DataError
from skelgait.storage.atomic import remove_file, write_error


def checkpoint_path(run: Path, iteration: int) -> Path:
    """Where the checkpoint of an iteration lies in the folder of a run."""
    return run / "checkpoints" / f"checkpoint-{iteration:06d}.pt"


def find_checkpoint(run: Path, iteration: int | None = None) -> Path:
    """The checkpoint of an iteration in the folder of a run; the newest where None.

    Raises:
        CheckpointError: there is none.
    """
    there = kept_checkpoints(run)
    wanted = max(there, default=None) if iteration is None else iteration
    if wanted not in there:
        found = f"checkpoints {', '.join(map(str, sorted(there)))}" if there else "none"
        expected = "a checkpoint" if iteration is None else f"the checkpoint of iteration {iteration}"
        raise CheckpointError(run, found, expected, "train first, or name another run with --run-name")
    return there[wanted]


def remove_old(run: Path, keep: int, best: int | None) -> None:
    """Remove all but the last `keep` checkpoints of a run, and that of the iteration `best`.

    Raises:
        DataError: one cannot be removed.
    """
    there = kept_checkpoints(run)
    for iteration in sorted(there)[:-keep]:
        if iteration != best:
            remove_file(there[iteration])


def check_room(run: Path, size: int) -> None:
    """Refuse to go on where the disk of a run has no room for a checkpoint of `size` bytes.

    Raises:
        DataError: there is less room.
    """
    folder = next(parent for parent in (run, *run.resolve().parents) if parent.is_dir())
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise write_error(run, error) from error
    if free < size:
        found = f"{free / 2**20:.0f} MB free on the disk"
        expected = f"{size / 2**20:.0f} MB for the next checkpoint"
        raise DataError(
            run, found, expected, "make room, or keep fewer checkpoints with --keep-last, then use --resume"
        )


def kept_checkpoints(run: Path) -> dict[int, Path]:
    """The checkpoints in the folder of a run, by iteration."""
    return {
        int(match[1]): path
        for path in (run / "checkpoints").glob("*.pt")
        if (match := re.fullmatch(r"checkpoint-(\d+)", path.stem))
    }
