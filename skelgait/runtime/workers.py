"""Worker processes on this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from skelgait.runtime.killed import killed_process
from skelgait.runtime.parent import end_with_parent

T = TypeVar("T")
R = TypeVar("R")

# Time that workers have for their last item after an error or Ctrl-C.
_SECONDS_TO_END = 4.0

_job: Callable[[Any], Any] | None = None


def in_workers(job: Callable[[T], R], items: Sequence[T], workers: int) -> Generator[R, None, None]:
    """Yield the result of `job` for each item, in order.

    If the caller stops early, workers have a few seconds to finish their items. Then they are killed.

    Args:
        job: function of one item; must be picklable, and is sent to each worker once.
        items: arguments of `job`; must be picklable.
        workers: number of processes; 1: run in this process.

    Raises:
        KilledProcessError: if a worker was killed. Finished items keep their results.
    """
    if min(workers, len(items)) <= 1:
        yield from map(job, items)
        return
    _start_quiet_tracker()
    # Spawn instead of fork, because the calling program may run threads.
    pool = ProcessPoolExecutor(min(workers, len(items)), get_context("spawn"), _start_worker, (job,))
    try:
        yield from pool.map(_work, items)
    except BrokenProcessPool as error:
        hint = 'use fewer --workers (memory); in a script, call it under `if __name__ == "__main__":`'
        raise killed_process("worker process", None, hint) from error
    finally:
        _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """Wait for the workers; kill those that take too long, as stopped ones do."""
    timer = threading.Timer(_SECONDS_TO_END, _kill, (list((pool._processes or {}).values()),))
    timer.start()
    try:
        pool.shutdown(cancel_futures=True)
    finally:
        timer.cancel()


def _kill(workers: Iterable[BaseProcess]) -> None:
    for worker in workers:
        worker.kill()


def _start_quiet_tracker() -> None:
    """Start the process that removes semaphores of killed processes, without its warning about them."""
    before = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (before, "ignore:resource_tracker")))
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


def _start_worker(job: Callable[[Any], Any]) -> None:
    global _job
    _job = job
    # The terminal sends Ctrl-C to all processes; the parent decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        end_with_parent(parent.pid)


def _work(item: Any) -> Any:
    if _job is None:
        raise RuntimeError("worker process has no job")
    return _job(item)
