"""Initial weights for training, from the checkpoint of another training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from skelgait.checkpoints.architecture import Architecture, infer_sizes
from skelgait.checkpoints.file import HINT, CheckpointFile, read_checkpoint_file
from skelgait.checkpoints.hub import locate_checkpoint
from skelgait.checkpoints.mismatch import (
    CLASSIFIER,
    check_network_is_registered,
    check_network_matches,
    find_mismatches,
)
from skelgait.checkpoints.presets import matching_presets
from skelgait.errors import CheckpointError
from skelgait.opengait.weights import from_opengait


class InitialWeights(NamedTuple):
    """Initial weights of a network.

    Attributes:
        weights: state dict with the names of skelgait, without the dropped weights: load it with `strict=False`.
        dropped: names of weights that keep their random values: the classifier's, or none.
        origin: path of the checkpoint, or its name on a hub with the commit.
    """

    weights: Mapping[str, Tensor]
    dropped: tuple[str, ...]
    origin: str


def initial_weights(path: Path, architecture: Architecture) -> InitialWeights:
    """Read initial weights from a checkpoint of skelgait or OpenGait.

    The classifier is dropped if it is missing or has another number of classes. All other weights must match.

    Args:
        path: checkpoint file, or name on a hub: hf://OWNER/NAME/FILE[@REVISION].
        architecture: architecture of the network to be trained.

    Raises:
        CheckpointError: if the file cannot be read, or has another architecture; the hint gives the settings to change.
    """
    location = locate_checkpoint(path)
    path = location.path
    file = read_checkpoint_file(path)
    weights, names = dict(file.weights), architecture.build_on_meta().state_dict()
    mismatches = find_mismatches(weights, architecture, any_classes=True)
    if set(mismatches.names()) - ({CLASSIFIER} & set(mismatches.missing)):
        raise _mismatch_error(path, file, architecture)
    classifier = weights.get(CLASSIFIER)
    if classifier is not None and classifier.shape[-1] == architecture.classes:
        return InitialWeights(from_opengait(weights, names), (), location.label)
    weights.pop(CLASSIFIER, None)
    dropped = tuple(from_opengait({CLASSIFIER: None}, names))
    return InitialWeights(from_opengait(weights, names), dropped, location.label)


def _mismatch_error(path: Path, file: CheckpointFile, expected: Architecture) -> CheckpointError:
    check_network_is_registered(path, file.skelgait.settings)
    found, unknown = infer_sizes(file.weights, file.skelgait.settings)
    mismatches = find_mismatches(file.weights, found, any_classes=True)
    check_network_matches(path, mismatches, found.name)
    differing = [
        name
        for name, size in asdict(found).items()
        if name not in {"classes", *unknown} and size != getattr(expected, name)
    ]
    damage = f", with {mismatches.summary()}" if mismatches.names() else ""
    changes = ", ".join(f"train.network.{name}={_to_flag(getattr(found, name))}" for name in differing)
    hint = f"set {changes} as in the checkpoint, or {HINT}" if changes else f"{HINT}; see `skelgait checkpoint {path}`"
    if differing and (presets := [match.preset for match in matching_presets(found)]):
        hint = f"pass --preset {' or '.join(presets)}, which fits the checkpoint; or {hint}"
    return CheckpointError(path, f"{found}{damage}", f"{expected} with any number of classes", hint)


def _to_flag(size: object) -> str:
    """Return a size in the syntax of `--set`."""
    return f"[{','.join(map(str, size))}]" if isinstance(size, tuple) else str(size)
