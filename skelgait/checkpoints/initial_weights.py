"""Weights to begin a training with, from a checkpoint of another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from skelgait.checkpoints.architecture import Architecture, sizes_of
from skelgait.checkpoints.file import HINT, CheckpointFile, read_checkpoint_file
from skelgait.checkpoints.mismatch import CLASSIFIER, find_mismatches, refuse_other_networks, refuse_unknown_network
from skelgait.errors import CheckpointError
from skelgait.opengait.weights import from_opengait


class InitialWeights(NamedTuple):
    """Weights to begin with.

    Attributes:
        weights: a state dict under our names, without the dropped ones: load it with `strict=False`.
        dropped: our names of weights that stay as the network was initialized: the classifier's, or none.
    """

    weights: Mapping[str, Tensor]
    dropped: tuple[str, ...]


def initial_weights(path: Path, architecture: Architecture) -> InitialWeights:
    """The weights of a checkpoint, skelgait or OpenGait, for a network that is to be trained.

    The classifier is left out where it is missing or has another number of classes; all else must fit.

    Args:
        path: the checkpoint.
        architecture: the network's.

    Raises:
        CheckpointError: the file cannot be read, or is of another architecture; names the settings to change.
    """
    file = read_checkpoint_file(path)
    theirs, names = dict(file.weights), architecture.outline().state_dict()
    mismatches = find_mismatches(theirs, architecture, any_classes=True)
    if set(mismatches.names()) - ({CLASSIFIER} & set(mismatches.missing)):
        raise _does_not_fit(path, file, architecture)
    classifier = theirs.get(CLASSIFIER)
    if classifier is not None and classifier.shape[-1] == architecture.classes:
        return InitialWeights(from_opengait(theirs, names), ())
    theirs.pop(CLASSIFIER, None)
    return InitialWeights(from_opengait(theirs, names), tuple(from_opengait({CLASSIFIER: None}, names)))


def _does_not_fit(path: Path, file: CheckpointFile, wanted: Architecture) -> CheckpointError:
    refuse_unknown_network(path, file.ours.settings)
    found, untold = sizes_of(file.weights, file.ours.settings)
    own_mismatches = find_mismatches(file.weights, found, any_classes=True)
    refuse_other_networks(path, own_mismatches, found.name)
    differing = [
        name
        for name, size in asdict(found).items()
        if name not in {"classes", *untold} and size != getattr(wanted, name)
    ]
    broken = f", with {own_mismatches.summary()}" if own_mismatches.names() else ""
    changes = ", ".join(f"train.network.{name}={_spelled(getattr(found, name))}" for name in differing)
    hint = f"set {changes} as the checkpoint has, or {HINT}" if changes else f"{HINT}; see `skelgait checkpoint`"
    return CheckpointError(path, f"{found}{broken}", f"{wanted}, but for the classes", hint)


def _spelled(size: object) -> str:
    """A size as `--set` takes it."""
    return f"[{','.join(map(str, size))}]" if isinstance(size, tuple) else str(size)
