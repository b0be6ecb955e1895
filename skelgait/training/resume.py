"""Checks before training starts in a run folder or resumes from a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skelgait.checkpoints.checkpoint import Architecture, Checkpoint, load_checkpoint
from skelgait.checkpoints.folder import find_checkpoint, list_checkpoints
from skelgait.errors import CheckpointError, DataError, SettingsError
from skelgait.runtime.versions import numeric_versions
from skelgait.sampling.fingerprint import differences
from skelgait.settings.changes import Change, ChangeKind, find_changes, refuse_changes
from skelgait.settings.run_settings import SETTINGS_FILE, read_run_file, read_run_settings
from skelgait.settings.training import TrainSettings
from skelgait.storage.json_lines import read_json_lines
from skelgait.storage.yaml_files import read_yaml
from skelgait.training.metrics import METRICS_FILE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resumption:
    """Checkpoint to resume from, and what is changed from there on.

    Attributes:
        checkpoint: the checkpoint.
        changes: changed settings, data and versions.
    """

    checkpoint: Checkpoint
    changes: tuple[Change, ...]

    def log_changes(self) -> None:
        """Log each change, and warn of those that change the result."""
        for change in self.changes:
            level = logging.INFO if change.kind is ChangeKind.HARMLESS else logging.WARNING
            text = "%s is changed from %s to %s after iteration %d: %s"
            log.log(level, text, *change, self.checkpoint.iteration, change.kind.value)


def refuse_earlier_training(run: Path) -> None:
    """Refuse to start a training in the folder of another one, which would be mixed with the new one.

    Raises:
        SettingsError: if the folder has checkpoints, or the files of a finished run.
    """
    existing = sorted((run / "checkpoints").glob("*.pt"))
    if existing:
        hint = "pass --resume to continue it, choose another --run-name, or remove the folder"
        raise SettingsError(run, f"an earlier training, up to {existing[-1].name}", "a new run", hint)
    if (run / SETTINGS_FILE).is_file() and (steps := read_json_lines(run / METRICS_FILE)):
        last, settings = steps[-1].get("iteration"), read_yaml(run / SETTINGS_FILE).get("train") or {}
        if isinstance(last, int) and last >= settings.get("iterations", float("inf")):
            found = f"a finished training of {last} iterations, without its checkpoints"
            raise SettingsError(run, found, "a new run", "choose another --run-name, or remove the folder")


def plan_resumption(
    run: Path,
    config: TrainSettings,
    settings: Mapping[str, object],
    architecture: Architecture,
    data: Mapping[str, Any],
) -> Resumption:
    """Load the checkpoint to resume from: that of `config.iteration`, or else the newest one that is not damaged.

    Args:
        run: folder of the run.
        config: training settings.
        settings: settings to record, by dotted key, with the precision on this device.
        architecture: architecture that settings and data give.
        data: fingerprint of the data.

    Raises:
        CheckpointError: if there is no checkpoint, or if it has only weights.
        SettingsError: if settings or data have changed, and the change is not allowed.
        DataError: if the data have another number of identities.
    """
    if config.iteration is None:
        path, checkpoint = _load_newest(run)
    else:
        path = find_checkpoint(run, config.iteration)
        checkpoint = load_checkpoint(path)
    if not checkpoint.training:
        hint = "start a new run from these weights with --init and another --run-name"
        raise CheckpointError(path, "only weights", "the state of the optimizer and the schedule", hint)
    recorded = read_run_settings(run, checkpoint.iteration)
    changes = [
        *find_changes(recorded, settings),
        *_data_changes(checkpoint, recorded, data),
        *_version_changes(run),
    ]
    refuse_changes(run, changes, allow_changes=config.allow_changes)
    if checkpoint.architecture != architecture:
        expected = f"{architecture}, from the data and the settings"
        hint = "resume with the training people of the run, or start another run with --run-name"
        raise DataError(path, str(checkpoint.architecture), expected, hint)
    return Resumption(checkpoint, tuple(changes))


def _data_changes(checkpoint: Checkpoint, recorded: Mapping[str, object], data: Mapping[str, Any]) -> list[Change]:
    """Return the changes of the data since the checkpoint, without those that the run has recorded."""
    changes = [Change(f"data.{name}", old, new) for name, old, new in differences(checkpoint.data, data)]
    return [change for change in changes if recorded.get(change.key, change.old) != change.new]


def _version_changes(run: Path) -> list[Change]:
    """Return the changes of library versions since the run was last started."""
    before = read_run_file(run)
    return [
        Change(f"versions.{name}", before[name], new)
        for name, new in numeric_versions().items()
        if before.get(name, new) != new
    ]


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
