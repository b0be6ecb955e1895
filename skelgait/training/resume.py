"""Whether a training may begin in a folder, and whether it may go on from a checkpoint."""

from __future__ import annotations

from pathlib import Path

from skelgait.errors import CheckpointError, SettingsError
from skelgait.settings.training import OptimiserSettings
from skelgait.training.checkpoints import Checkpoint


def refuse_earlier_training(run: Path) -> None:
    """Refuse to train in the folder of an earlier run: what it left would be taken for this one's.

    Raises:
        SettingsError: there are checkpoints in `run`.
    """
    there = sorted((run / "checkpoints").glob("*.pt"))
    if there:
        mend = "use --resume to go on with it, name another with --run-name, or remove the folder"
        raise SettingsError(run, f"an earlier training, up to {there[-1].name}", "a new run", mend)


def check_training_state(path: Path, checkpoint: Checkpoint, settings: OptimiserSettings) -> None:
    """Refuse to go on where optimiser and schedule are not to be had, or are not those of the settings.

    Args:
        path: where the checkpoint lies.
        checkpoint: the checkpoint.
        settings: the optimiser's settings.

    Raises:
        CheckpointError: the checkpoint holds weights alone.
        SettingsError: optimiser or schedule were others.
    """
    if not checkpoint.training:
        mend = "train from the start, without --resume; it can be evaluated as it is"
        raise CheckpointError(path, "weights alone", "the state of the optimiser and the schedule", mend)
    wanted = settings.model_dump(mode="json")
    before = checkpoint.settings.get("optimiser", wanted)
    changed = [name for name in wanted if before.get(name) != wanted[name]]
    if changed:
        found = ", ".join(f"{name} {before.get(name)}" for name in changed)
        expected = ", ".join(f"{name} {wanted[name]}" for name in changed)
        raise SettingsError(path, found, expected, "leave train.optimiser as it was, or name another --run-name")
