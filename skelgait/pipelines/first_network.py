"""Small SkeletonGait, trained on synthetic walkers, made on first use and kept in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.checkpoints.checkpoint import Architecture, Checkpoint, save_checkpoint
from skelgait.losses.triplet import batch_all_triplet_loss
from skelgait.maps import skeleton_maps
from skelgait.models import GaitNetwork
from skelgait.models.inputs import scale_frames
from skelgait.runtime.advance import Advance, Progress, no_progress, silent_progress
from skelgait.runtime.rng import rng_for
from skelgait.sampling.inputs import cut_columns
from skelgait.storage.cache import cache_folder
from skelgait.synth.variation import sample_walker, varied_poses

RATE_HZ = 6.0
"""Frames per second that the network is trained on."""
STEPS = 150
"""Number of optimizer steps."""

_SMALL = Architecture("skeletongait", (8, 16, 32, 64), (1, 1, 1, 1), 2, 128, 16)
_PEOPLE, _SEQUENCES, _FRAMES = 8, 3, 4
_RATES_HZ = (5.0, 8.0)
_POPULATION = 100_000
_LEARNING_RATE, _WEIGHT_DECAY, _WARM_UP, _MARGIN = 1e-3, 1e-3, 0.2, 0.2
# First entry of the positions in `rng_for`.
_CHOICES, _WALKERS, _WALKS = range(3)


class MapBatch(NamedTuple):
    """Maps of a training batch.

    Attributes:
        maps: (N, T, 2, 64, 44) uint8.
        labels: (N,) identities.
    """

    maps: NDArray[np.uint8]
    labels: NDArray[np.int64]


def find_first_network(seed: int = 0, steps: int = STEPS, progress: Progress = silent_progress) -> Path:
    """Return the checkpoint of the network in the cache; train it if it is not there.

    Args:
        seed: random seed.
        steps: number of optimizer steps.
        progress: shows the steps.

    Raises:
        DataError: if the checkpoint cannot be written.
    """
    path = cache_folder() / f"first_network-seed{seed}-steps{steps}.pt"
    if not path.is_file():
        with progress(steps, "Training on synthetic walkers", "steps") as advance:
            network = train_on(synthetic_batches(seed), seed, steps, advance)
        save_checkpoint(path, Checkpoint(_SMALL, network.state_dict(), steps, test_embedding=1))
    return path


def untrained_network(seed: int) -> GaitNetwork:
    """Return the network with random weights."""
    torch.manual_seed(seed)
    return _SMALL.build()


def train_on(batches: Iterator[MapBatch], seed: int, steps: int, advance: Advance = no_progress) -> GaitNetwork:
    """Train the network with the triplet loss alone: synthetic people are too many for classes.

    Args:
        batches: endless batches.
        seed: random seed of the initial weights.
        steps: number of optimizer steps.
        advance: called after each step.
    """
    network = untrained_network(seed).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps, pct_start=_WARM_UP)
    for _, batch in zip(range(steps), batches, strict=False):
        lengths = [batch.maps.shape[1]] * len(batch.maps)
        frames = torch.from_numpy(np.concatenate(batch.maps))
        output = network(scale_frames(frames, torch.device("cpu")), lengths)
        loss = batch_all_triplet_loss(output.embedding, torch.from_numpy(batch.labels), _MARGIN).loss.mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        advance(1)
    return network.eval()


def synthetic_batches(seed: int) -> Iterator[MapBatch]:
    """Yield batches of new walks of synthetic people, endlessly."""
    labels = np.repeat(np.arange(_PEOPLE), _SEQUENCES)
    iteration = 0
    while True:
        people = rng_for(seed, _CHOICES, iteration).choice(_POPULATION, _PEOPLE, replace=False)
        maps = [
            _synthetic_maps(seed, int(person), iteration, number) for person in people for number in range(_SEQUENCES)
        ]
        yield MapBatch(np.stack(maps), labels)
        iteration += 1


def _synthetic_maps(seed: int, person: int, iteration: int, number: int) -> NDArray[np.uint8]:
    walker = sample_walker(rng_for(seed, _WALKERS, person))
    rng = rng_for(seed, _WALKS, iteration, person, number)
    poses = varied_poses(walker, _FRAMES, rng, rate_hz=rng.uniform(*_RATES_HZ))
    return cut_columns(skeleton_maps(poses).maps, "maps")
