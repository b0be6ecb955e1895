"""Training batches: clips of random frames, read and augmented by worker processes."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from skelgait.errors import DataError, SkelgaitError
from skelgait.runtime.rng import rng_for
from skelgait.sampling.augment import augment
from skelgait.sampling.batch import Batch, Item, load_batches
from skelgait.sampling.batch_sampler import ClipIndex, IdentityBatchSampler
from skelgait.sampling.frames import FrameSampling, choose_frames
from skelgait.sampling.inputs import stack_modalities
from skelgait.storage import Key, SequenceSource

NO_AUGMENTATION: Mapping[str, float] = MappingProxyType(
    {"perspective": 0.0, "mirror": 0.0, "rotation": 0.0, "rotation_deg": 0.0}
)


class Clips(Dataset[Any]):
    """Clips of training sequences: (T, C, 64, 44) uint8 frames and a class, by `ClipIndex`.

    Args:
        source: sequences on disk.
        keys: training sequences.
        labels: class of each of `keys`.
        sampling: frame sampling, see `choose_frames`.
        clip_len: number of frames in a clip.
        skip: frames of a window that `fixed_ordered` leaves out.
        max_frames: largest number of frames that `all_ordered` uses.
        augmentation: `perspective`, `mirror`, `rotation` (probabilities) and `rotation_deg`; default: none.
        seed: random seed.
    """

    def __init__(
        self,
        source: SequenceSource,
        keys: Sequence[Key],
        labels: Sequence[int],
        *,
        sampling: FrameSampling = "fixed_ordered",
        clip_len: int = 30,
        skip: int = 4,
        max_frames: int = 720,
        augmentation: Mapping[str, float] = NO_AUGMENTATION,
        seed: int = 0,
    ) -> None:
        self._source = source
        self._keys = keys
        self._labels = labels
        self._sampling: FrameSampling = sampling
        self._clip_len = clip_len
        self._skip = skip
        self._max_frames = max_frames
        self._augmentation = dict(augmentation)
        self._seed = seed

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, index: ClipIndex) -> Item | SkelgaitError:
        rng = rng_for(self._seed, index.iteration, index.position)
        try:
            return self._clip(self._keys[index.sequence], rng), self._labels[index.sequence]
        except SkelgaitError as error:
            return error

    def _clip(self, key: Key, rng: np.random.Generator) -> NDArray[np.uint8]:
        name = f"{self._source.path}: {key}"
        frame_choice = choose_frames(self._sampling, self._clip_len, self._skip, self._max_frames, rng)
        arrays = self._source.read(key, frame_choice)
        if not len(arrays[0]):
            raise DataError(name, "no frame", "at least one frame", "remove the sequence")
        return augment(stack_modalities(arrays, name), rng, name=name, **self._augmentation)


def clip_batches(clips: Clips, sampler: IdentityBatchSampler, *, workers: int) -> Generator[Batch, None, None]:
    """Yield training batches without end, in the order of the sampler.

    Args:
        clips: training clips.
        sampler: batches of clip indices.
        workers: number of worker processes that read ahead; 0: read in this process.

    Raises:
        DataError: if a sequence cannot be read.
        ShapeError: if a sequence has a wrong shape.
    """
    return load_batches(clips, sampler, workers=workers)
