"""Batches of whole sequences, for embedding."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from skelgait.errors import DataError, SkelgaitError
from skelgait.sampling.batch import Batch, Item, load_batches
from skelgait.sampling.frames import first_frames
from skelgait.sampling.inputs import cut_columns, stack_modalities
from skelgait.storage import Key, SequenceSource


class _Sequences(Dataset[Any]):
    def __init__(self, source: SequenceSource, keys: Sequence[Key], max_frames: int) -> None:
        self._source = source
        self._keys = keys
        self._max_frames = max_frames

    def __getitem__(self, index: int) -> Item | SkelgaitError:
        name = f"{self._source.path}: {self._keys[index]}"
        try:
            arrays = self._source.read(self._keys[index], first_frames(self._max_frames))
            if not len(arrays[0]):
                raise DataError(name, "no frame", "at least one frame", "remove the sequence")
            frames = cut_columns(stack_modalities(arrays, name), name)
        except SkelgaitError as error:
            return error
        return np.ascontiguousarray(frames), index


def sequence_batches(
    source: SequenceSource,
    keys: Sequence[Key],
    indices: Sequence[int],
    *,
    batch_size: int,
    max_frames: int,
    workers: int,
) -> Generator[Batch, None, None]:
    """Yield batches of whole sequences, in order.

    Args:
        source: sequences on disk.
        keys: keys of sequences.
        indices: indices in `keys` of the sequences to read; they are also the labels in the batches.
        batch_size: number of sequences in a batch.
        max_frames: largest number of frames of a sequence.
        workers: number of worker processes that read ahead; 0: read in this process.

    Raises:
        DataError: if a sequence cannot be read or has no frame.
        ShapeError: if a sequence has a wrong shape.
    """
    index_batches = [list(indices[start : start + batch_size]) for start in range(0, len(indices), batch_size)]
    return load_batches(_Sequences(source, keys, max_frames), index_batches, workers=workers, pin_memory=False)
