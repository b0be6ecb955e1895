"""Checkpoints: ours, under OpenGait names, and OpenGait own."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skelgait import __version__
from skelgait.checkpoints.architecture import Architecture, sizes_of
from skelgait.checkpoints.file import HINT, read_checkpoint_file
from skelgait.checkpoints.mismatch import find_mismatches, refuse_other_networks, refuse_unknown_network
from skelgait.errors import CheckpointError
from skelgait.models import GaitNetwork
from skelgait.opengait.weights import from_opengait, to_opengait
from skelgait.storage.atomic import atomic_write

__all__ = ["Architecture", "Checkpoint", "load_checkpoint", "save_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """A trained network, and what is needed to go on training it.

    Attributes:
        architecture: the network's.
        weights: its state dict, under our names.
        iteration: optimizer steps taken.
        test_embedding: the embedding to compare at test, 1 or 2; None where the file does not say.
        training: states of optimizer, schedule and loss scaling, and the batches drawn; empty in files without these,
            as foreign ones.
        settings: the settings it was trained with; empty in foreign files.
        data: what it was trained on, as `skelgait.training.fingerprint` says; empty in foreign files.
    """

    architecture: Architecture
    weights: Mapping[str, Tensor]
    iteration: int
    test_embedding: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def network(self) -> GaitNetwork:
        """The trained network, on the CPU, in eval mode."""
        network = self.architecture.build()
        network.load_state_dict(dict(self.weights))
        return network.eval()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all, with the weights under OpenGait names.

    Raises:
        DataError: the file cannot be written.
    """
    training = dict(checkpoint.training)
    content = {
        "model": to_opengait(checkpoint.weights),
        "optimizer": training.pop("optimizer", {}),
        "scheduler": training.pop("scheduler", {}),
        "iteration": checkpoint.iteration,
        "skelgait": {
            "version": __version__,
            "test_embedding": checkpoint.test_embedding,
            "settings": dict(checkpoint.settings),
            "data": dict(checkpoint.data),
            "training": training,
        },
    }
    # In memory first: torch tells of a full disk in no way that could be told from other errors.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_write(path) as partial:
        partial.write_bytes(buffer.getbuffer())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, skelgait or OpenGait; nothing in the file is executed.

    Weights alone are taken, too: a bare state dict, or one under `state_dict`, and names that DistributedDataParallel
    has put `module.` before. Their iteration is 0.

    Raises:
        CheckpointError: the file is missing, damaged, or no checkpoint of these networks.
    """
    file = read_checkpoint_file(path)
    refuse_unknown_network(path, file.ours.settings)
    architecture = sizes_of(file.weights, file.ours.settings).architecture
    mismatches = find_mismatches(file.weights, architecture)
    refuse_other_networks(path, mismatches, architecture.name)
    if mismatches.names():
        hint = f"{HINT}; `skelgait checkpoint` says what each of them is"
        raise CheckpointError(path, mismatches.summary(), f"the weights of {architecture.name}", hint)
    ours = file.ours
    training = {"optimizer": file.optimizer, "scheduler": file.scheduler, **ours.training}
    return Checkpoint(
        architecture=architecture,
        weights=from_opengait(file.weights, architecture.outline().state_dict()),
        iteration=file.iteration or 0,
        test_embedding=ours.test_embedding,
        training=training if file.can_be_resumed else {},
        settings=ours.settings,
        data=ours.data,
    )
