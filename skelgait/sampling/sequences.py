"""Whole sequences, as they are embedded."""

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
        where = f"{self._source.path}: {self._keys[index]}"
        try:
            arrays = self._source.read(self._keys[index], first_frames(self._max_frames))
            if not len(arrays[0]):
                raise DataError(where, "no frame", "at least one frame", "remove the sequence")
            frames = cut_columns(stack_modalities(arrays, where), where)
        except SkelgaitError as error:
            return error
        return np.ascontiguousarray(frames), index


def sequence_batches(
    source: SequenceSource,
    keys: Sequence[Key],
    chosen: Sequence[int],
    *,
    batch_size: int,
    max_frames: int,
    workers: int,
) -> Generator[Batch, None, None]:
    """Batches of whole sequences, in order.

    Args:
        source: the sequences.
        keys: their keys.
        chosen: which of `keys`, by number; the batches' labels are these numbers.
        batch_size: sequences in a batch.
        max_frames: frames used of a sequence.
        workers: processes that read; this one where 0.

    Raises:
        DataError: a sequence cannot be read, or has no frame.
        ShapeError: a sequence is of the wrong shape.
    """
    places = [list(chosen[start : start + batch_size]) for start in range(0, len(chosen), batch_size)]
    return load_batches(_Sequences(source, keys, max_frames), places, workers=workers, pin_memory=False)
