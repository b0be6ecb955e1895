"""Reading and writing of checkpoints; weights have OpenGait names in the file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skelgait import __version__
from skelgait.checkpoints.architecture import Architecture, infer_sizes
from skelgait.checkpoints.file import HINT, read_checkpoint_file
from skelgait.checkpoints.hub import local_checkpoint
from skelgait.checkpoints.mismatch import check_network_is_registered, check_network_matches, find_mismatches
from skelgait.errors import CheckpointError, PathLike
from skelgait.models import GaitNetwork
from skelgait.opengait.weights import from_opengait, to_opengait
from skelgait.storage.atomic import atomic_write

__all__ = ["Architecture", "Checkpoint", "load_checkpoint", "save_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Trained network, and the state that is needed to resume its training.

    Attributes:
        architecture: architecture of the network.
        weights: state dict with the names of skelgait.
        iteration: number of optimizer steps.
        test_embedding: embedding to compare in evaluation, 1 or 2; None: not in the file.
        training: states of optimizer, learning-rate schedule and loss scaling, and the number of batches drawn; empty
            in files of other programs.
        settings: training settings; empty in files of other programs.
        data: training data, see `skelgait.sampling.fingerprint`; empty in files of other programs.
        checkpoint_sha256: SHA-256 of the checkpoint that the file was exported from; empty: the file is no export.
    """

    architecture: Architecture
    weights: Mapping[str, Tensor]
    iteration: int
    test_embedding: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    checkpoint_sha256: str = ""

    def network(self) -> GaitNetwork:
        """Return the trained network, on the CPU, in eval mode."""
        network = self.architecture.build()
        network.load_state_dict(dict(self.weights))
        return network.eval()


def save_checkpoint(path: PathLike, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically, with OpenGait's weight names.

    Args:
        path: file to write.
        checkpoint: content of the file.

    Raises:
        DataError: if the file cannot be written.
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
    # Saved to memory first, because torch.save does not raise a distinct error for a full disk.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_write(Path(path)) as partial:
        # Not `getbuffer`: Python 3.12.1 crashes when it collects an error whose traceback holds it.
        partial.write_bytes(buffer.getvalue())


def load_checkpoint(path: PathLike) -> Checkpoint:
    """Read a checkpoint of skelgait or OpenGait. No code in the file is executed.

    Files with weights alone are accepted too: a bare state dict, a dict with the key `state_dict`, and names with the
    prefix `module.` of DistributedDataParallel. Their iteration is 0.

    Args:
        path: checkpoint file, or name on a hub: hf://OWNER/NAME/FILE[@REVISION].

    Raises:
        CheckpointError: if the file is missing, damaged, or not a checkpoint of a registered network.
    """
    path = local_checkpoint(path)
    file = read_checkpoint_file(path)
    check_network_is_registered(path, file.skelgait.settings)
    try:
        architecture = infer_sizes(file.weights, file.skelgait.settings).architecture
        mismatches = find_mismatches(file.weights, architecture)
    except (MemoryError, RuntimeError) as error:  # for example a size that overflows
        found = f"sizes of a network that cannot be built ({str(error).partition(chr(10))[0]})"
        raise CheckpointError(path, found, "weights of a network", HINT) from error
    check_network_matches(path, mismatches, architecture.name)
    if mismatches.names():
        hint = f"{HINT}; `skelgait checkpoint {path}` lists all of them"
        raise CheckpointError(path, mismatches.summary(), f"the weights of {architecture.name}", hint)
    extra = file.skelgait
    training = {"optimizer": file.optimizer, "scheduler": file.scheduler, **extra.training}
    return Checkpoint(
        architecture=architecture,
        weights=from_opengait(file.weights, architecture.build_on_meta().state_dict()),
        iteration=file.iteration or 0,
        test_embedding=extra.test_embedding,
        training=training if file.is_resumable else {},
        settings=extra.settings,
        data=extra.data,
        checkpoint_sha256=extra.checkpoint_sha256,
    )
