"""Whether a training may begin in a folder, and whether it may go on from a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelgait.checkpoints.checkpoint import Architecture, Checkpoint, load_checkpoint
from skelgait.checkpoints.folder import find_checkpoint, list_checkpoints
from skelgait.errors import CheckpointError, DataError, SettingsError
from skelgait.settings.training import OptimizerSettings, TrainSettings
from skelgait.training.fingerprint import differences

log = logging.getLogger(__name__)

_HINT = "resume with the run's own data and settings, or name another run with --run-name"


def refuse_earlier_training(run: Path) -> None:
    """Refuse to train in the folder of an earlier run: what it left would be taken for this one's.

    Raises:
        SettingsError: there are checkpoints in `run`.
    """
    there = sorted((run / "checkpoints").glob("*.pt"))
    if there:
        hint = "use --resume to go on with it, name another with --run-name, or remove the folder"
        raise SettingsError(run, f"an earlier training, up to {there[-1].name}", "a new run", hint)


def checkpoint_to_resume(
    run: Path, settings: TrainSettings, architecture: Architecture, data: Mapping[str, Any]
) -> Checkpoint:
    """The checkpoint to go on from: the one that the settings name, or the newest that is whole.

    Args:
        run: the run's folder.
        settings: how to train.
        architecture: the network's, as settings and data have it.
        data: the fingerprint of the data.

    Raises:
        CheckpointError: there is none, or it holds weights alone.
        DataError: it is of another network, or was trained on other data.
        SettingsError: optimizer or schedule were others.
    """
    if settings.iteration is None:
        path, checkpoint = _load_newest(run)
    else:
        path = find_checkpoint(run, settings.iteration)
        checkpoint = load_checkpoint(path)
    if checkpoint.architecture != architecture:
        expected = f"{architecture} as the data and the settings say"
        raise DataError(path, str(checkpoint.architecture), expected, _HINT)
    if changed := differences(checkpoint.data, data):
        found = ", ".join(f"{what} {before}" for what, before, _ in changed)
        expected = ", ".join(f"{what} {now}" for what, _, now in changed)
        raise DataError(path, f"a network that was trained on {found}", f"the data's {expected}", _HINT)
    _check_training(path, checkpoint, settings.optimizer)
    return checkpoint


def _load_newest(run: Path) -> tuple[Path, Checkpoint]:
    """The newest checkpoint of a run that is whole, and where it lies; those that are damaged are named in the log."""
    path = find_checkpoint(run)
    damaged: CheckpointError | None = None
    for _, path in sorted(list_checkpoints(run).items(), reverse=True):
        try:
            return path, load_checkpoint(path)
        except CheckpointError as error:
            log.warning("%s", CheckpointError(error.where, error.found, error.expected, "the one before it is used"))
            damaged = damaged or error
    raise damaged or CheckpointError(path, "none", "a checkpoint", "train first")


def _check_training(path: Path, checkpoint: Checkpoint, settings: OptimizerSettings) -> None:
    """Refuse to go on where optimizer and schedule are not to be had, or are not those of the settings."""
    if not checkpoint.training:
        hint = "train from its weights with --init, under another --run-name; it can be evaluated as it is"
        raise CheckpointError(path, "weights alone", "the state of the optimizer and the schedule", hint)
    wanted = settings.model_dump(mode="json")
    before = checkpoint.settings.get("optimizer", wanted)
    changed = [name for name in wanted if before.get(name) != wanted[name]]
    if changed:
        found = ", ".join(f"{name} {before.get(name)}" for name in changed)
        expected = ", ".join(f"{name} {wanted[name]}" for name in changed)
        raise SettingsError(path, found, expected, "leave train.optimizer as it was, or name another --run-name")
