"""Training batches: clips of drawn frames, read and augmented by worker processes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from skelgait.errors import DataError, SkelgaitError
from skelgait.runtime.rng import rng_for
from skelgait.sampling.augment import augment
from skelgait.sampling.batch import Batch, Item, load_batches
from skelgait.sampling.frames import FrameSampling, choose_frames
from skelgait.sampling.identities import IdentityBatches
from skelgait.sampling.inputs import stack_modalities
from skelgait.storage import Key, SequenceSource

_Place = tuple[int, int, int]


class Clips(Dataset[Any]):
    """Clips of training sequences, by (iteration, position in the batch, index of the sequence).

    Args:
        source: the sequences.
        keys: the sequences to train on.
        labels: the class of each of `keys`.
        frames: how frames are drawn: `sampling`, `clip_len`, `skip`, `max_frames`.
        augmentation: keyword arguments of `augment`.
        seed: seed of the draws.
    """

    def __init__(
        self,
        source: SequenceSource,
        keys: Sequence[Key],
        labels: Sequence[int],
        *,
        sampling: FrameSampling,
        clip_len: int,
        skip: int,
        max_frames: int,
        augmentation: Mapping[str, float],
        seed: int,
    ) -> None:
        self._source = source
        self._keys = keys
        self._labels = labels
        self._sampling: FrameSampling = sampling
        self._lengths = (clip_len, skip, max_frames)
        self._augmentation = dict(augmentation)
        self._seed = seed

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, place: _Place) -> Item | SkelgaitError:
        iteration, position, index = place
        rng = rng_for(self._seed, iteration, position)
        try:
            return self._clip(self._keys[index], rng), self._labels[index]
        except SkelgaitError as error:
            return error

    def _clip(self, key: Key, rng: np.random.Generator) -> NDArray[np.uint8]:
        where = f"{self._source.path}: {key}"
        arrays = self._source.read(key, choose_frames(self._sampling, *self._lengths, rng))
        if not len(arrays[0]):
            raise DataError(where, "no frame", "at least one frame", "remove the sequence")
        return augment(stack_modalities(arrays, where), rng, where=where, **self._augmentation)


def batches(
    clips: Clips, identity_batches: IdentityBatches, iterations: Sequence[int], *, workers: int, pin_memory: bool
) -> Generator[Batch, None, None]:
    """The batches of `iterations`, in order, read ahead by `workers` processes (by this one where 0).

    Raises:
        DataError: a sequence cannot be read.
        ShapeError: a sequence is of the wrong shape.
    """
    places = _Places(identity_batches, iterations)
    return load_batches(clips, places, workers=workers, pin_memory=pin_memory)


@dataclass(frozen=True)
class _Places:
    """The places of each batch, drawn when it is their turn."""

    identity_batches: IdentityBatches
    iterations: Sequence[int]

    def __iter__(self) -> Iterator[list[_Place]]:
        for iteration in self.iterations:
            yield [(iteration, position, index) for position, index in self.identity_batches.draw(iteration)]
