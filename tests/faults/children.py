"""Commands in forked processes.

This process imports everything once. A child is a fork of it that calls the command line, so that its start costs
little; signals and limits hit the child alone.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

SECONDS = 120.0


class Ended(NamedTuple):
    """Ended command.

    Attributes:
        code: exit code, negative for a signal.
        stderr: text of its stderr and stdout.
        seconds: time that it took.
    """

    code: int
    stderr: str
    seconds: float


class Child:
    """Running command.

    Args:
        folder: working folder.
        args: command and flags.
        prepare: called in the child before the command, for example to set a limit.
    """

    def __init__(self, folder: Path, *args: object, prepare: Callable[[], None] | None = None) -> None:
        descriptor, name = tempfile.mkstemp(prefix="faults-")
        self._output, self._start = Path(name), time.monotonic()
        self.pid = os.fork()
        if not self.pid:
            _become(folder, [str(arg) for arg in args], descriptor, prepare)
        os.close(descriptor)

    def kill(self) -> None:
        """Kill the command."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait until the command ends; kill it after two minutes."""
        status = 0
        while not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if time.monotonic() > self._start + SECONDS:
                self.kill()
            time.sleep(0.002)
        _, status = os.waitpid(self.pid, 0)
        text = self._output.read_text(errors="replace")
        self._output.unlink()
        return Ended(os.waitstatus_to_exitcode(status), text, time.monotonic() - self._start)


def _become(folder: Path, args: list[str], descriptor: int, prepare: Callable[[], None] | None) -> None:
    code = 1
    try:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        if prepare is not None:
            prepare()
        from skelgait.cli import main

        sys.argv = ["skelgait", *args]
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def run(folder: Path, *args: object, prepare: Callable[[], None] | None = None) -> Ended:
    """Run a command to its end."""
    return Child(folder, *args, prepare=prepare).wait()


@contextmanager
def working_folder(folder: Path) -> Iterator[None]:
    """Work in a folder during the block."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_here(folder: Path, *args: object) -> None:
    """Run a command in this process, so that its imports and compiled code are there for the forks."""
    import torch

    from skelgait.cli import main

    torch.set_num_threads(1)  # other threads would not survive a fork
    before, sys.argv = sys.argv, ["skelgait", *map(str, args)]
    with working_folder(folder), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        try:
            with redirect_stdout(nowhere), redirect_stderr(nowhere):
                main()
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"{args}: exit code {ended.code}") from ended
        finally:
            sys.argv = before
