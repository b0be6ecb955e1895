"""Starting several processes of one command on this machine, through torch's own elastic launcher."""

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

from skelgait.errors import SkelgaitError
from skelgait.runtime.cores import usable_cores

EXIT_PEER_FAILED = 3
"""Exit code of a process that ends because another one has ended with an error."""
INTERRUPTED = 130
"""Exit code of a command that was stopped by a signal."""

_GRACE_SECONDS = 2.0


class ProcessError(SkelgaitError):
    """A process failed whose words are not shown as they come; tells the last of them.

    Args:
        rank: which process.
        last_words: its last line, or how it ended.
    """

    def __init__(self, rank: int, last_words: str) -> None:
        super().__init__(f"process {rank}", last_words, "it to end well", "see the run's log, or use --nproc 1")

    def __str__(self) -> str:
        # An error of ours says all by itself.
        return self.found.removeprefix("Error: ") if self.found.startswith("Error: ") else super().__str__()


def launched() -> bool:
    """Whether a launcher started this process, so that no further ones are to be started."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def wait_for_rank_zero() -> None:
    """Wait, in every process but the first, until that one has said what is wrong, if it is wrong there too.

    The launcher ends all processes as soon as one has ended, and what the first one says is what people see.
    """
    if os.environ.get("RANK", "0") != "0":
        time.sleep(_GRACE_SECONDS)


def launch(nproc: int, argv: Sequence[str]) -> int:
    """Run `python -m skelgait ARGV` as `nproc` processes that find each other.

    What the first process says is shown as it comes. If another one fails, that is raised here.

    Args:
        nproc: processes to start.
        argv: arguments of the command.

    Returns:
        0 if all of them ended well, 130 if they were stopped by a signal, otherwise 1.

    Raises:
        ProcessError: a process failed and nobody has seen why.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Threads of several processes on the same cores are slower than one thread a core.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // nproc)))
    # The launcher would repeat at length what the processes say themselves; each of its loggers has its own level.
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
        except SignalException:  # which the processes got as well, and 30 seconds to end
            return INTERRUPTED
        except ChildFailedError as error:
            # Other processes end because one has: by themselves, or ended by the launcher.
            codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
            failed = {rank: code for rank, code in codes.items() if code not in (EXIT_PEER_FAILED, -SIGTERM)}
            if failed.get(0, 0) > 0:  # and has said why
                return 1
            rank, code = min(failed.items(), default=(1, 1))
            ended = f"an end by signal {-code}" if code < 0 else "no word"
            raise ProcessError(rank, _last_stderr_line(rank, Path(logs)) or ended) from error
    return 0


def _last_stderr_line(rank: int, logs: Path) -> str:
    said = next((path.read_text(errors="replace") for path in logs.rglob(f"{rank}/stderr.log")), "")
    return next(reversed(said.strip().splitlines()), "")
