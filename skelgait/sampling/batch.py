"""Batches of packed sequences, made by worker processes."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from skelgait.errors import SkelgaitError

Item = tuple[NDArray[np.uint8], int]
"""Frames (T, C, 64, 44), and the label."""


class Batch(NamedTuple):
    """Sequences for one step.

    Attributes:
        frames: (F, C, 64, 44) uint8, the frames of all sequences one after the other.
        lengths: N numbers of frames, which sum to F.
        labels: (N,) int64: in training the class of each sequence, otherwise its number.
    """

    frames: Tensor
    lengths: list[int]
    labels: Tensor


def load_batches(
    dataset: Dataset[Any], places: Iterable[list[Any]], *, workers: int, pin_memory: bool
) -> Generator[Batch, None, None]:
    """Batches of the items of `dataset` at each list of `places`, in order, read ahead.

    Args:
        dataset: gives an `Item`, or a `SkelgaitError` where it cannot.
        places: what goes into each batch.
        workers: processes that read; this one where 0.
        pin_memory: whether batches are to be copied to a CUDA device.

    Raises:
        SkelgaitError: what the dataset gave.
    """
    loader = DataLoader(
        dataset,
        batch_sampler=places,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=pin_memory,
        worker_init_fn=_start_worker,
    )
    for batch in loader:
        # Raised here and not in the worker: torch would not carry the exception over whole.
        if isinstance(batch, SkelgaitError):
            raise batch
        yield batch


def _start_worker(_: int) -> None:
    # Who reads the batches decides when to end, and the worker ends with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # Threads of OpenCV in every worker would only compete.
    cv2.setNumThreads(0)


def _collate(items: list[Item | SkelgaitError]) -> Batch | SkelgaitError:
    clips, labels = [], []
    for item in items:
        if isinstance(item, SkelgaitError):
            return item
        clips.append(torch.from_numpy(item[0]))
        labels.append(item[1])
    return Batch(torch.cat(clips), [len(clip) for clip in clips], torch.tensor(labels))
