"""Sequences, clips and batches of a training, from its settings."""

from __future__ import annotations

from collections.abc import Collection

from skelgait.datasets.identities import select_identities
from skelgait.runtime.processes import rank, world_size
from skelgait.sampling.batch_sampler import IdentityBatchSampler
from skelgait.sampling.clips import Clips
from skelgait.settings.training import TrainSettings
from skelgait.storage import Key, SequenceSource


def training_keys(source: SequenceSource, identities: Collection[str]) -> tuple[list[Key], list[str]]:
    """Return the sequences of the given identities, and the identities that have any, in the order of their labels.

    Raises:
        DataError: if there is no such sequence.
    """
    keys = select_identities(source.keys, identities, source.path, "training")
    return keys, sorted({key.identity for key in keys})


def training_clips(source: SequenceSource, keys: list[Key], labels: list[int], settings: TrainSettings) -> Clips:
    """Return the clips of training sequences, sampled and augmented as set."""
    sampling = settings.sampling
    return Clips(
        source,
        keys,
        labels,
        sampling=sampling.frames,
        clip_len=sampling.clip_len,
        skip=sampling.skip,
        max_frames=sampling.max_frames,
        augmentation=settings.augmentation.model_dump(),
        seed=settings.seed,
    )


def training_sampler(labels: list[int], settings: TrainSettings) -> IdentityBatchSampler:
    """Return the batch sampler of this process.

    Raises:
        SettingsError: if a batch needs more identities than there are, or cannot be divided among the processes.
    """
    sampling = settings.sampling
    return IdentityBatchSampler(
        labels, sampling.identities_per_batch, sampling.sequences_per_identity, settings.seed, rank(), world_size()
    )
