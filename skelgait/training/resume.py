"""Checks before training starts in a run folder or resumes from a checkpoint."""

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

_HINT = "resume with the data and settings of the run, or start another run with --run-name"


def refuse_earlier_training(run: Path) -> None:
    """Refuse to start a training in a folder with checkpoints, which would be mixed with the new ones.

    Raises:
        SettingsError: if the folder has checkpoints.
    """
    existing = sorted((run / "checkpoints").glob("*.pt"))
    if existing:
        hint = "pass --resume to continue it, choose another --run-name, or remove the folder"
        raise SettingsError(run, f"an earlier training, up to {existing[-1].name}", "a new run", hint)


def checkpoint_to_resume(
    run: Path, settings: TrainSettings, architecture: Architecture, data: Mapping[str, Any]
) -> Checkpoint:
    """Load the checkpoint to resume from: that of `settings.iteration`, or else the newest one that is not damaged.

    Args:
        run: folder of the run.
        settings: training settings.
        architecture: architecture that settings and data give.
        data: fingerprint of the data.

    Raises:
        CheckpointError: if there is none, or if it has only weights.
        DataError: if it has another architecture, or was trained on other data.
        SettingsError: if the settings of optimizer or learning rate schedule have changed.
    """
    if settings.iteration is None:
        path, checkpoint = _load_newest(run)
    else:
        path = find_checkpoint(run, settings.iteration)
        checkpoint = load_checkpoint(path)
    if checkpoint.architecture != architecture:
        expected = f"{architecture}, from the data and the settings"
        raise DataError(path, str(checkpoint.architecture), expected, _HINT)
    if changed := differences(checkpoint.data, data):
        found = ", ".join(f"{name} {before}" for name, before, _ in changed)
        expected = ", ".join(f"{name} {now}" for name, _, now in changed)
        raise DataError(path, f"a network trained on data with {found}", f"data with {expected}", _HINT)
    _check_training(path, checkpoint, settings.optimizer)
    return checkpoint


def _load_newest(run: Path) -> tuple[Path, Checkpoint]:
    """Load the newest checkpoint that is not damaged; return its path too. Warn of damaged ones."""
    path = find_checkpoint(run)
    damaged: CheckpointError | None = None
    for _, path in sorted(list_checkpoints(run).items(), reverse=True):
        try:
            return path, load_checkpoint(path)
        except CheckpointError as error:
            log.warning("%s", CheckpointError(error.where, error.found, error.expected, "the previous one is used"))
            damaged = damaged or error
    raise damaged or CheckpointError(path, "no checkpoint", "a checkpoint", "train first")


def _check_training(path: Path, checkpoint: Checkpoint, settings: OptimizerSettings) -> None:
    """Refuse a checkpoint without optimizer state, or with other settings of optimizer or schedule."""
    if not checkpoint.training:
        hint = "start a new run from these weights with --init and another --run-name"
        raise CheckpointError(path, "only weights", "the state of the optimizer and the schedule", hint)
    current = settings.model_dump(mode="json")
    before = checkpoint.settings.get("optimizer", current)
    changed = [name for name in current if before.get(name) != current[name]]
    if changed:
        found = ", ".join(f"{name} {before.get(name)}" for name in changed)
        expected = ", ".join(f"{name} {current[name]}" for name in changed)
        raise SettingsError(path, found, expected, "restore train.optimizer, or choose another --run-name")
