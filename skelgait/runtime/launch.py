"""Starting several processes of one command on this machine, through torch's own elastic launcher."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from skelgait.errors import SkelgaitError
from skelgait.runtime.cores import usable_cores


def launched() -> bool:
    """Whether a launcher started this process, so that no further ones are to be started."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch(nproc: int, argv: Sequence[str]) -> int:
    """Run `python -m skelgait ARGV` as `nproc` processes that find each other.

    What the first process says is shown as it comes. If another one fails, its error is raised here.

    Args:
        nproc: processes to start.
        argv: arguments of the command.

    Returns:
        0 if all of them ended well, otherwise 1.

    Raises:
        SkelgaitError: a process other than the first failed; with what it said last.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Threads of several processes on the same cores are slower than one thread a core.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // nproc)))
    # The launcher would repeat at length what the processes say themselves.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="skelgait-") as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=nproc,
            run_id=uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(logs, redirects=dict.fromkeys(range(1, nproc), Std.ERR)),
        )
        try:
            elastic_launch(config, sys.executable)("-m", "skelgait", *argv)
        except ChildFailedError as error:
            # A process that the launcher ends, since another has failed, has a negative exit code.
            failed = {rank for rank, failure in error.failures.items() if failure.exitcode > 0}
            if 0 not in failed:
                raise _of_another_process(min(failed, default=1), Path(logs)) from error
            return 1
    return 0


def _of_another_process(rank: int, logs: Path) -> SkelgaitError:
    said = next((path.read_text(errors="replace") for path in logs.rglob(f"{rank}/stderr.log")), "")
    last = said.strip().splitlines()[-1:] or ["nothing"]
    return SkelgaitError(f"process {rank}", last[0], "it to end well", "see the run's log, or use --nproc 1")
