"""Starting several processes of one command on this machine, through torch's own elastic launcher."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from skelgait.runtime.cores import usable_cores


def launched() -> bool:
    """Whether a launcher started this process, so that no further ones are to be started."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch(nproc: int, argv: Sequence[str]) -> int:
    """Run `python -m skelgait ARGV` as `nproc` processes that find each other.

    Args:
        nproc: processes to start.
        argv: arguments of the command.

    Returns:
        0 if all of them ended well, otherwise 1.
    """
    # Threads of several processes on the same cores are slower than one thread a core.
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, usable_cores() // nproc)))
    # --standalone finds a free port; the launcher's own log would repeat what the processes say.
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", str(nproc), "-m", "skelgait", *argv)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "TORCH_CPP_LOG_LEVEL": "ERROR"}
    process = subprocess.run([sys.executable, "-m", *torchrun], env=environment, stderr=None, check=False)
    return 0 if process.returncode == 0 else 1
