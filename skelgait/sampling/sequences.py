"""Batches of whole sequences, for embedding."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SkelgaitError
from skelgait.runtime.devices import require_torch
from skelgait.sampling.frames import first_frames
from skelgait.sampling.inputs import cut_columns, stack_modalities
from skelgait.storage import Key, SequenceSource


class PackedSequences(NamedTuple):
    """Whole sequences of one batch.

    Attributes:
        frames: (F, C, 64, 44) gray levels, frames of all sequences, one sequence after the other.
        lengths: N numbers of frames that sum to F.
        indices: N indices of the sequences in the keys.
    """

    frames: NDArray[np.uint8]
    lengths: list[int]
    indices: list[int]


class _Sequences:
    def __init__(self, source: SequenceSource, keys: Sequence[Key], max_frames: int) -> None:
        self._source = source
        self._keys = keys
        self._max_frames = max_frames

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], int] | SkelgaitError:
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
) -> Generator[PackedSequences, None, None]:
    """Yield batches of whole sequences, in order.

    Args:
        source: sequences on disk.
        keys: keys of sequences.
        indices: indices in `keys` of the sequences to read.
        batch_size: number of sequences in a batch.
        max_frames: largest number of frames of a sequence.
        workers: number of worker processes of torch that read ahead; 0: read in this process, without torch.

    Raises:
        DataError: if a sequence cannot be read or has no frame.
        ShapeError: if a sequence has a wrong shape.
        SettingsError: if there are workers, but no PyTorch.
    """
    index_batches = [list(indices[start : start + batch_size]) for start in range(0, len(indices), batch_size)]
    sequences = _Sequences(source, keys, max_frames)
    if not workers:
        yield from (_pack(sequences, batch) for batch in index_batches)
        return
    require_torch("num_workers", "use num_workers 0")
    from skelgait.sampling.batch import load_batches

    for frames, lengths, labels in load_batches(sequences, index_batches, workers=workers):
        yield PackedSequences(frames.numpy(), lengths, labels.tolist())


def _pack(sequences: _Sequences, indices: list[int]) -> PackedSequences:
    clips = []
    for index in indices:
        item = sequences[index]
        if isinstance(item, SkelgaitError):
            raise item
        clips.append(item[0])
    return PackedSequences(np.concatenate(clips), [len(clip) for clip in clips], indices)
