"""Weights to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from skelgait.errors import CheckpointError
from skelgait.training.checkpoints import Architecture, load_checkpoint

_CLASSIFIER = "neck.class_weight"


def initial_weights(path: Path, architecture: Architecture) -> tuple[Mapping[str, Tensor], list[str]]:
    """The weights in a checkpoint, ours or the authors', for a network that begins with them.

    Args:
        path: the checkpoint.
        architecture: the network's.

    Returns:
        The weights under our names, and the names of those that are left out: the classifier's, where it is of another
        number of classes.

    Raises:
        CheckpointError: it cannot be read, or is of another architecture.
    """
    checkpoint = load_checkpoint(path)
    if replace(checkpoint.architecture, classes=architecture.classes) != architecture:
        mend = "set train.network as the checkpoint has it (`skelgait checkpoint` tells), or begin with another one"
        raise CheckpointError(path, str(checkpoint.architecture), f"{architecture} as in the settings", mend)
    if checkpoint.architecture == architecture:
        return checkpoint.weights, []
    return {name: value for name, value in checkpoint.weights.items() if name != _CLASSIFIER}, [_CLASSIFIER]
