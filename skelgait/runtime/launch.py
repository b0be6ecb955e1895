"""Launch of several processes of one command on this machine, with torch's elastic launcher."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM
from uuid import uuid4

from skelgait.display import printable
from skelgait.errors import SkelgaitError
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.interrupts import INTERRUPTED
from skelgait.runtime.killed import killed_process
from skelgait.runtime.parent import LAUNCHER

EXIT_PEER_FAILED = 3
"""Exit code of a process that stops because another process failed."""

_GRACE_SECONDS = 2.0
_KILLED_HINT = "if memory was short, use fewer processes or smaller batches; continue a training with --resume"


class ProcessError(SkelgaitError):
    """Failure of a process whose stderr is not shown.

    Args:
        rank: rank of the process.
        reason: its last line on stderr, or how it ended.
    """

    def __init__(self, rank: int, reason: str) -> None:
        super().__init__(f"process {rank}", reason, "exit code 0", "see the log of the run, or use --nproc 1")

    def __str__(self) -> str:
        # An error message of skelgait is complete by itself.
        is_complete = self.found.startswith("Error: ")
        return printable(self.found.removeprefix("Error: ")) if is_complete else super().__str__()


def launched() -> bool:
    """Return True if a launcher (torchrun or `launch`) started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def is_rank_zero() -> bool:
    """Return True in the process of rank 0, and without a launcher; needs no process group."""
    return os.environ.get("RANK", "0") == "0"


def wait_for_rank_zero() -> None:
    """Delay the exit of other ranks, so that rank 0 can print the error first.

    The launcher stops all processes as soon as one has ended, and only the stderr of rank 0 is shown.
    """
    if not is_rank_zero():
        time.sleep(_GRACE_SECONDS)


def launch(nproc: int, argv: Sequence[str]) -> int:
    """Run `python -m skelgait ARGV` as `nproc` processes of one process group.

    The output of rank 0 is shown as it is written.

    Args:
        nproc: number of processes.
        argv: arguments of the command.

    Returns:
        Exit code: 0 if all processes succeeded, 130 after a signal, 1 if rank 0 failed.

    Raises:
        ProcessError: if another process failed.
        KilledProcessError: if a process was killed.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ[LAUNCHER] = str(os.getpid())
    # Threads of several processes on the same cores are slower than one thread per core.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // nproc)))
    # The launcher would repeat the errors of the processes at length; each of its loggers has its own level.
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
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
        except SignalException:  # forwarded to the processes, which get 30 seconds to end
            return INTERRUPTED
        except ChildFailedError as error:
            codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
            # Processes that stopped because another one failed are not the cause.
            failed = {rank: code for rank, code in codes.items() if code not in (EXIT_PEER_FAILED, -SIGTERM)}
            if failed.get(0, 0) > 0:  # rank 0 has printed its error
                return 1
            rank, code = min(failed.items(), default=(1, 1))
            if code < 0:
                raise killed_process(f"process {rank} of {nproc}", code, _KILLED_HINT) from error
            raise ProcessError(rank, _last_stderr_line(rank, Path(logs)) or f"exit code {code}") from error
    return 0


def _last_stderr_line(rank: int, logs: Path) -> str:
    text = next((path.read_text(errors="replace") for path in logs.rglob(f"{rank}/stderr.log")), "")
    return next(reversed(text.strip().splitlines()), "")
