"""Process that reads damaged files of one reader, with limits on memory and time."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.attempt import attempt
from tests.fuzz.mutations import mutate

MEMORY, SECONDS_OF_A_FILE = 2**30, 5

Try = Callable[[bytes, int], None]


def read_damaged(
    reader: Any, folder: Path, messages: Connection, mode: str, first: int, tries: int, seconds: float
) -> None:
    """Read damaged files, and send the number and the content of each before, and what was found after.

    Args:
        reader: reader of `tests.fuzz.readers`.
        folder: folder for its files.
        messages: receiver of number, content, and find.
        mode: `mutations` or `atheris`.
        first: number of the first try.
        tries: number of tries of mutations.
        seconds: time for all tries.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    path = reader.write(folder)
    content = path.read_bytes()
    reader.read(path)
    _limit_memory()
    signal.signal(signal.SIGALRM, _interrupt)

    def try_content(damaged: bytes, number: int) -> None:
        messages.send((number, damaged, ""))
        signal.setitimer(signal.ITIMER_REAL, SECONDS_OF_A_FILE)
        found = attempt(path, damaged, reader.read, number)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if found:
            messages.send((number, damaged, found))

    if mode == "atheris":
        _run_atheris(try_content, content, first, seconds, folder.with_name("corpus"))
        return
    end = time.monotonic() + seconds
    for number in range(first, tries):
        if time.monotonic() > end:
            return
        try_content(mutate(content, number), number)


def _run_atheris(try_content: Try, content: bytes, first: int, seconds: float, corpus: Path) -> None:
    """Let atheris find files that reach new lines; it ends the process."""
    import atheris

    corpus.mkdir(exist_ok=True)
    (corpus / "sound").write_bytes(content)
    numbers = iter(range(first, sys.maxsize))
    options = [f"-max_total_time={max(1, int(seconds))}", "-rss_limit_mb=0", "-verbosity=0", "-handle_alrm=0"]
    atheris.Setup(["fuzz", *options, str(corpus)], lambda data: try_content(data, next(numbers)))
    atheris.Fuzz()


def _limit_memory() -> None:
    """Let the process take a limited amount more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {SECONDS_OF_A_FILE} s")
