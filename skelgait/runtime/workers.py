"""A job done by several processes of this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any, TypeVar

from skelgait.errors import SkelgaitError

T = TypeVar("T")
R = TypeVar("R")

_job: Callable[[Any], Any] | None = None


def in_workers(job: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """What `job` gives for each item, in order.

    Args:
        job: can be pickled; it is sent to every worker once.
        items: can be pickled.
        workers: processes; 1 for this one alone.

    Raises:
        SkelgaitError: a worker was ended from outside; items done before stay done.
    """
    if min(workers, len(items)) <= 1:
        yield from map(job, items)
        return
    # Spawned, not forked: the calling program may run threads.
    pool = ProcessPoolExecutor(min(workers, len(items)), get_context("spawn"), _start_worker, (job,))
    try:
        yield from pool.map(_work, items)
    except BrokenProcessPool as error:
        hint = (
            'use fewer --workers, and in a script call it under `if __name__ == "__main__":`; what is done stays done'
        )
        raise SkelgaitError("a worker", "an end from outside", "it to finish, in enough memory", hint) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker(job: Callable[[Any], Any]) -> None:
    global _job
    _job = job
    # Ctrl-C goes to all processes of a terminal; what it means is up to the one that has started the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _work(item: Any) -> Any:
    if _job is None:
        raise RuntimeError("a worker was given work before its job")
    return _job(item)
