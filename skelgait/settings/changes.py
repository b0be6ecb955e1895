"""Changes of a run's settings on resume: which are taken, and which need `--allow-changes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from skelgait.errors import DataError, SettingsError


class ChangeKind(Enum):
    """Effect of a changed setting on a resumed run."""

    HARMLESS = "the result stays the same"
    ROUNDING = "the result stays the same up to rounding"
    LENGTH = "the result stays the same if the number grows"
    RESULT = "the result changes"
    ARCHITECTURE = "the weights do not fit"
    COMMAND = "belongs to the command, not to the run"


KINDS: Mapping[str, ChangeKind] = {
    # The training data are compared by their content, so they may be moved.
    "paths.maps": ChangeKind.HARMLESS,
    "paths.pairs": ChangeKind.HARMLESS,
    "partition": ChangeKind.HARMLESS,
    "dataset": ChangeKind.RESULT,
    "data": ChangeKind.RESULT,
    "versions": ChangeKind.ROUNDING,
    "train.network": ChangeKind.ARCHITECTURE,
    "train.network.test_embedding": ChangeKind.RESULT,
    "train.sampling": ChangeKind.RESULT,
    "train.augmentation": ChangeKind.RESULT,
    "train.losses": ChangeKind.RESULT,
    "train.optimizer": ChangeKind.RESULT,
    "train.iterations": ChangeKind.LENGTH,
    "train.log_every": ChangeKind.HARMLESS,
    "train.save_every": ChangeKind.HARMLESS,
    "train.keep_last": ChangeKind.HARMLESS,
    "train.eval_during_training": ChangeKind.HARMLESS,
    "train.val_share": ChangeKind.RESULT,
    "train.init": ChangeKind.COMMAND,
    "train.resume": ChangeKind.COMMAND,
    "train.iteration": ChangeKind.COMMAND,
    "train.allow_changes": ChangeKind.COMMAND,
    "train.seed": ChangeKind.RESULT,
    "train.device": ChangeKind.ROUNDING,
    "train.precision": ChangeKind.RESULT,
    "train.compile": ChangeKind.ROUNDING,
    "train.tensorboard": ChangeKind.HARMLESS,
    "train.nproc": ChangeKind.ROUNDING,
    "train.num_workers": ChangeKind.HARMLESS,
    "train.run_name": ChangeKind.COMMAND,
    # Scores of one run are compared with each other, to find the best checkpoint.
    "evaluate.protocol": ChangeKind.RESULT,
    "evaluate.gallery": ChangeKind.RESULT,
    "evaluate.probes": ChangeKind.RESULT,
    "evaluate.distance": ChangeKind.RESULT,
    "evaluate.max_frames": ChangeKind.RESULT,
    "evaluate.precision": ChangeKind.RESULT,
}
"""Kind of every setting that a run records, by dotted key; a section stands for all keys in it."""


class Change(NamedTuple):
    """Changed setting, changed fact of the training data, or changed version of a library.

    Attributes:
        key: dotted key of the setting; `data.` or `versions.` and a name for the others.
        old: value of the run.
        new: value now.
    """

    key: str
    old: object
    new: object

    @property
    def kind(self) -> ChangeKind:
        """Effect of this change. A number of iterations that grows is harmless."""
        kind = setting_kind(self.key)
        if kind is not ChangeKind.LENGTH:
            return kind
        grows = isinstance(self.old, int) and isinstance(self.new, int) and self.new > self.old
        return ChangeKind.HARMLESS if grows else ChangeKind.RESULT


def setting_kind(key: str) -> ChangeKind:
    """Return the kind of a setting: its own, or that of the innermost section in `KINDS`.

    Raises:
        KeyError: if neither the setting nor a section of it is in the table.
    """
    while key not in KINDS and "." in key:
        key = key.rpartition(".")[0]
    return KINDS[key]


def is_of_command(key: str) -> bool:
    """Return True for a setting that belongs to the command, such as `train.resume`, and not to the run."""
    return KINDS.get(key) is ChangeKind.COMMAND


def find_changes(recorded: Mapping[str, object], current: Mapping[str, object]) -> list[Change]:
    """Return the settings of a run that are different now, without those that only belong to the command.

    Args:
        recorded: settings of the run as JSON data, by dotted key.
        current: settings now. A key that only one of both has is no change, except in `train.losses`. The precision
            `auto` is not compared, because it depends on the device.
    """
    changes = [
        Change(key, recorded[key], value)
        for key, value in current.items()
        if key in recorded and recorded[key] != value and not is_of_command(key)
    ]
    changes = [change for change in changes if change.key != "train.precision" or "auto" not in change]
    for key in sorted({key for key in (*recorded, *current) if key.startswith("train.losses.")}):
        if (key in recorded) != (key in current):
            changes.append(Change(key, recorded.get(key), current.get(key)))
    return changes


def refuse_changes(run: Path, changes: Iterable[Change], *, allow_changes: bool) -> None:
    """Refuse changes that the run cannot take.

    Args:
        run: folder of the run.
        changes: changed settings and data.
        allow_changes: take changes that change the result.

    Raises:
        SettingsError: if there is one; it gives keys, old and new values.
        DataError: if only the data have changed.
    """
    refused = [change for change in changes if change.kind is ChangeKind.ARCHITECTURE]
    hint = "leave it out, or start another run with --run-name"
    if not refused and not allow_changes:
        refused = [change for change in changes if change.kind is ChangeKind.RESULT]
        hint = (
            "resume with the data and settings of the run, pass --allow-changes to change the result from here on, "
            "or start another run with --run-name"
        )
    if refused:
        found = ", ".join(f"{change.key} {change.new}" for change in refused)
        expected = ", ".join(f"{change.key} {change.old}" for change in refused)
        error = DataError if all(change.key.startswith("data.") for change in refused) else SettingsError
        raise error(run, found, f"{expected}, as in the run", hint)
