"""P x K batches: P identities, K sequences of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from skelgait.errors import SettingsError
from skelgait.runtime.rng import rng_for


class ClipIndex(NamedTuple):
    """Index of a clip in `Clips`.

    Attributes:
        iteration: iteration of its batch.
        position: position in the batch of all processes; with the iteration, it determines the random draws.
        sequence: index of the sequence.
    """

    iteration: int
    position: int
    sequence: int


class IdentityBatchSampler(Sampler[list[ClipIndex]]):
    """Batch sampler for the `batch_sampler` argument of a DataLoader; endless, one batch for each iteration.

    All processes draw and shuffle the same batch, and each takes every world-size-th sequence. A batch depends only on
    the seed and the iteration.

    Identities are drawn without replacement. The K sequences of an identity are drawn with replacement if it has fewer
    than K.

    Attributes:
        start: iteration of the first batch; set it to resume.

    Args:
        labels: class of each sequence, from 0.
        identities_per_batch: P.
        sequences_per_identity: K.
        seed: random seed.
        rank: rank of this process.
        world_size: number of processes.

    Raises:
        SettingsError: if there are fewer than P identities, or if P x K is no multiple of the number of processes.
    """

    def __init__(
        self,
        labels: Sequence[int],
        identities_per_batch: int,
        sequences_per_identity: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        n_identities = len(set(labels))
        if n_identities < identities_per_batch:
            raise SettingsError(
                "train.sampling.identities_per_batch",
                f"{identities_per_batch} with {n_identities} training identities",
                f"at most {n_identities}",
                f"pass --set train.sampling.identities_per_batch={n_identities}, or add identities",
            )
        batch_size = identities_per_batch * sequences_per_identity
        if batch_size % world_size:
            raise SettingsError(
                "--nproc",
                f"{world_size} processes for batches of {identities_per_batch} x {sequences_per_identity}",
                f"a divisor of {batch_size}",
                "change the number of processes or train.sampling.sequences_per_identity",
            )
        self._sequences = [np.flatnonzero(np.asarray(labels) == label) for label in range(n_identities)]
        self._identities_per_batch = identities_per_batch
        self._sequences_per_identity = sequences_per_identity
        self._seed = seed
        self._rank = rank
        self._world_size = world_size
        self.start = 0

    def __iter__(self) -> Iterator[list[ClipIndex]]:
        """Yield the batches of this process, from iteration `start` on."""
        return map(self.draw, count(self.start))

    def draw(self, iteration: int) -> list[ClipIndex]:
        """Return this process's share of the batch of an iteration."""
        rng = rng_for(self._seed, iteration)
        identities = rng.choice(len(self._sequences), self._identities_per_batch, replace=False)
        k = self._sequences_per_identity
        drawn = [rng.choice(self._sequences[i], k, replace=len(self._sequences[i]) < k) for i in identities]
        batch = rng.permutation(np.concatenate(drawn))
        positions = range(self._rank, len(batch), self._world_size)
        return [ClipIndex(iteration, position, int(batch[position])) for position in positions]
