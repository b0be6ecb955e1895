"""P x K batches: P identities, K sequences of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skelgait.errors import SettingsError
from skelgait.runtime.rng import rng_for


class IdentityBatches:
    """Draws the sequences of every iteration.

    All processes draw the same batch, shuffle it alike, and take every world_size-th sequence. A batch depends on the
    seed and the iteration alone.

    In corner cases: identities are drawn without replacement, so there must be P; the K sequences of an identity
    are drawn with replacement where it has fewer than K.

    Args:
        labels: the identity of each sequence, 0 to P_all - 1.
        identities_per_batch: P.
        sequences_per_identity: K.
        seed: seed of the draws.
        rank: this process.
        world_size: all processes.

    Raises:
        SettingsError: there are fewer than P identities, or P x K is no multiple of the number of processes.
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
                f"{identities_per_batch} with {n_identities} identities to train on",
                f"at most {n_identities}",
                f"use --set train.sampling.identities_per_batch={n_identities}, or more people",
            )
        size = identities_per_batch * sequences_per_identity
        if size % world_size:
            raise SettingsError(
                "--nproc",
                f"{world_size} processes for batches of {identities_per_batch} x {sequences_per_identity}",
                f"a divisor of {size}",
                "choose another number of processes or sequences per identity",
            )
        self._sequences = [np.flatnonzero(np.asarray(labels) == label) for label in range(n_identities)]
        self._identities_per_batch = identities_per_batch
        self._sequences_per_identity = sequences_per_identity
        self._seed = seed
        self._rank = rank
        self._world_size = world_size

    def draw(self, iteration: int) -> list[tuple[int, int]]:
        """This process's part of the batch of an iteration: (position in the whole batch, index of the sequence)."""
        rng = rng_for(self._seed, iteration)
        identities = rng.choice(len(self._sequences), self._identities_per_batch, replace=False)
        k = self._sequences_per_identity
        drawn = [rng.choice(own, k, replace=len(own) < k) for own in (self._sequences[i] for i in identities)]
        batch = rng.permutation(np.concatenate(drawn))
        return [(place, int(batch[place])) for place in range(self._rank, len(batch), self._world_size)]
