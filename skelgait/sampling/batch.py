"""Batches of packed sequences, loaded by worker processes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from skelgait.errors import SkelgaitError
from skelgait.runtime.killed import killed_process
from skelgait.runtime.parent import end_with_parent

Item = tuple[NDArray[np.uint8], int]
"""Frames (T, C, 64, 44) and label of a sequence."""


_HINT = "if memory was short, use smaller batches or fewer workers; continue a training with --resume"
_SECONDS_TO_END = 0.2


class Batch(NamedTuple):
    """Sequences of one batch.

    Attributes:
        frames: (F, C, 64, 44) uint8, frames of all sequences, one sequence after the other.
        lengths: N numbers of frames that sum to F.
        labels: (N,) int64, class of each sequence in training, otherwise its index.
    """

    frames: Tensor
    lengths: list[int]
    labels: Tensor


def load_batches(dataset: Any, batch_sampler: Iterable[list[Any]], *, workers: int) -> Generator[Batch, None, None]:
    """Yield batches of a dataset in the order of the sampler.

    Batches are not in pinned memory: the thread that pins them fails when workers end, and a copy to a device takes a
    small share of a step.

    Args:
        dataset: its `__getitem__` returns an `Item`, or a `SkelgaitError` if it cannot read one.
        batch_sampler: indices of the items of each batch.
        workers: number of worker processes that read ahead; 0: read in this process.

    Raises:
        SkelgaitError: if the dataset returned one.
        KilledProcessError: if a worker process was killed.
    """
    loader = DataLoader(
        dataset,
        batch_sampler=batch_sampler,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_start_worker,
        # Forked workers end with this process and share its memory. From Python 3.14 on, the default on Linux is a
        # server process that starts them, which outlives a killed training.
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
    )
    with closing(_batches(loader)) as batches:
        for batch in batches:
            # Raise here and not in the worker: torch would replace the exception by one with a traceback as text.
            if isinstance(batch, SkelgaitError):
                raise batch
            yield batch


def _batches(loader: DataLoader[Any]) -> Generator[Any, None, None]:
    """Yield the batches of a loader; name a killed worker in one error. No worker is left at the end."""
    with _same_child_handler():
        batches = iter(loader)
    workers: Sequence[BaseProcess] = getattr(batches, "_workers", [])  # without workers there is no such attribute
    try:
        yield from batches
    except (RuntimeError, OSError, EOFError) as error:  # as raised by torch, or by reading from a killed worker
        for worker in workers:
            worker.join(_SECONDS_TO_END / len(workers))
        codes = [worker.exitcode for worker in workers if worker.exitcode]
        if codes:
            raise killed_process("worker process that loads batches", codes[0], _HINT) from error
        raise
    finally:
        # They only read. Torch would wait for a stopped one without end.
        with _same_child_handler(is_off=True):
            for worker in workers:
                worker.kill()
            for worker in workers:
                worker.join()


@contextmanager
def _same_child_handler(*, is_off: bool = False) -> Iterator[None]:
    """Restore the handler of SIGCHLD after the block: torch's one raises an error anywhere in the main thread.

    Args:
        is_off: switch the handler off inside the block, in which workers are killed. A program that has used a
            DataLoader of its own before has torch's one.
    """
    if not hasattr(signal, "SIGCHLD") or threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGCHLD)
    if is_off:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, handler)


def _start_worker(_: int) -> None:
    # The parent process handles signals, and stops its workers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
    # OpenCV threads of several workers would compete for the same cores.
    cv2.setNumThreads(0)
    sys.excepthook = _show_error


def _show_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an error of a thread, unless the main process was interrupted while this one passed tensors to it."""
    if not issubclass(kind, (ConnectionError, EOFError)):
        sys.__excepthook__(kind, error, trace)


def collate_clips(items: list[Item | SkelgaitError]) -> Batch:
    """Pack the clips of a batch; use it as `collate_fn` of a DataLoader.

    Args:
        items: N clips, each with frames (T, C, 64, 44) uint8 and a class. T may differ.

    Returns:
        Batch with all frames (F, C, 64, 44), one clip after the other.

    Raises:
        SkelgaitError: the first error of a sequence that cannot be read.
    """
    batch = _collate(items)
    if isinstance(batch, SkelgaitError):
        raise batch
    return batch


def _collate(items: list[Item | SkelgaitError]) -> Batch | SkelgaitError:
    clips, labels = [], []
    for item in items:
        if isinstance(item, SkelgaitError):
            return item
        clips.append(torch.from_numpy(item[0]))
        labels.append(item[1])
    return Batch(torch.cat(clips), [len(clip) for clip in clips], torch.tensor(labels))
