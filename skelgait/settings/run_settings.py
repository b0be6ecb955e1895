"""Settings of a training run: `settings.yaml`, written once at its start, and the changes that `run.json` lists."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelgait.errors import SettingsError, reading
from skelgait.settings.changes import (
    KINDS,
    Change,
    ChangeKind,
    find_changes,
    is_of_command,
    refuse_changes,
)
from skelgait.settings.dotted import flatten, leaves, nest
from skelgait.settings.evaluation import is_protocol_file
from skelgait.settings.layers import Resolved, validate
from skelgait.settings.schema import Settings
from skelgait.settings.training import TrainSettings
from skelgait.storage.format_version import check_format
from skelgait.storage.yaml_files import read_yaml

SETTINGS_FILE, RUN_FILE = "settings.yaml", "run.json"
RUN_FORMAT = 1

_PATHS = ("paths.maps", "paths.pairs", "partition")
_PROTOCOL = "evaluate.protocol"


def settings_to_record(settings: Settings, run: Path) -> dict[str, Any]:
    """Return the settings that a run records, except the section `train`, as JSON data by dotted key.

    A path in the workspace, the folder above that of all runs, is relative to the folder of the run; others are
    absolute. So a moved workspace can be resumed.

    Args:
        settings: all settings.
        run: folder of the run.
    """
    values = dict(flatten(settings.model_dump(mode="json")))
    recorded = {key: values[key] for key in KINDS if key in values and not key.startswith("train.")}
    return {key: _to_run(Path(str(value)), run) if _is_path(key, value) else value for key, value in recorded.items()}


def current_settings(config: TrainSettings, other_settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings of a training as JSON data by dotted key.

    Args:
        config: the section `train`.
        other_settings: settings of other sections, see `settings_to_record`.
    """
    return {**other_settings, **dict(flatten({"train": config.model_dump(mode="json")}))}


def read_run_settings(run: Path, iteration: int) -> dict[str, object]:
    """Return the settings of a run at an iteration, as JSON data by dotted key.

    The precision `auto` is replaced by that of the first device. Changed data and versions are included.

    Args:
        run: folder of the run.
        iteration: changes after this iteration are left out.

    Raises:
        SettingsError: if `settings.yaml` is missing or damaged.
        DataError: if `run.json` is damaged.
    """
    path = run / SETTINGS_FILE
    if not path.is_file():
        hint = "restore the file, or start another run with --run-name, and with --init from the last checkpoint"
        raise SettingsError(path, "no such file", "the settings of the run", hint)
    settings, facts = dict(flatten(read_yaml(path))), read_run_file(run)
    if "precision" in facts:
        settings["train.precision"] = facts["precision"]
    return with_changes(settings, facts.get("changes", []), iteration)


def read_run_file(run: Path) -> dict[str, Any]:
    """Return the content of `run.json`; empty if the file is missing.

    Raises:
        DataError: if it is damaged, or was written by a newer skelgait.
    """
    path = run / RUN_FILE
    if not path.is_file():
        return {}
    hint = "restore the file; without it, changed settings of earlier resumes are lost"
    with reading(path, "the facts of the run", hint, "a damaged file", (TypeError,)):
        content = dict(json.loads(path.read_text(encoding="utf-8")))
    check_format(path, content.get("format"), RUN_FORMAT)
    return content


def with_changes(settings: Mapping[str, object], changes: object, iteration: float = float("inf")) -> dict[str, object]:
    """Return settings with the changes that `run.json` lists, up to an iteration.

    Args:
        settings: settings by dotted key.
        changes: entries with `iteration`, `key` and `new`; others are left out.
        iteration: last iteration; default: all changes.
    """
    current = dict(settings)
    for change in changes if isinstance(changes, list) else ():
        is_complete = isinstance(change, dict) and {"iteration", "key", "new"} <= change.keys()
        if is_complete and change["iteration"] <= iteration:
            current[change["key"]] = change["new"]
    return {key: value for key, value in current.items() if value is not None or not key.startswith("train.losses.")}


def change_to_record(change: Change, iteration: int) -> dict[str, object]:
    """Return the entry of a change in `run.json`.

    Args:
        change: the change.
        iteration: last iteration before it.
    """
    changes_result = change.kind is ChangeKind.RESULT
    return {"iteration": iteration, **change._asdict(), "changes_result": changes_result}


def settings_to_resume(resolved: Resolved, run: Path, iteration: int) -> Resolved:
    """Return the settings of a run with the flags given now.

    Settings files, the environment and presets are not used where the run has the setting; `warnings` names the
    settings that they would change.

    Args:
        resolved: settings given now.
        run: folder of the run.
        iteration: iteration to resume from.

    Raises:
        SettingsError: if the settings of the run are missing, or do not allow the flags.
        DataError: if `run.json` is damaged.
    """
    recorded = {
        key: _from_run(key, value, run)
        for key, value in read_run_settings(run, iteration).items()
        if not is_of_command(key) and not key.startswith(("data.", "versions."))
    }
    now = dict(leaves(resolved.settings))
    flags = {key: value for key, value in now.items() if resolved.is_flag(key)}
    flags |= {f"train.network.{name}": value for name, value in resolved.requested_network().items()}
    # A setting that an earlier version did not have keeps its default.
    kept = {key: value for key, value in now.items() if not key.startswith("train.") or is_of_command(key)}
    origins = {key: origin for key, origin in resolved.origins.items() if key in kept or key in flags}
    origins |= dict.fromkeys(recorded, str(run / SETTINGS_FILE)) | {key: resolved.origins.get(key, "") for key in flags}
    settings = validate(nest({**kept, **recorded, **flags}), origins)
    _refuse_early(settings, run, iteration)
    unused = [
        f"{resolved.origins[change.key]}: {change.key} {change.new} is not used: a resumed run keeps its own, "
        f"{change.old}; pass a flag to change it"
        for change in find_changes(_to_record(settings, run), _to_record(resolved.settings, run))
        if change.key in recorded and not resolved.is_flag(change.key) and _is_from_user(resolved, change.key)
    ]
    return Resolved(settings, origins, (*resolved.warnings, *unused))


def _to_record(settings: Settings, run: Path) -> dict[str, object]:
    return current_settings(settings.train, settings_to_record(settings, run))


def _refuse_early(settings: Settings, run: Path, iteration: int) -> None:
    """Refuse changes before data are opened."""
    changes = find_changes(read_run_settings(run, iteration), _to_record(settings, run))
    refuse_changes(run, changes, allow_changes=settings.train.allow_changes)


def _is_from_user(resolved: Resolved, key: str) -> bool:
    return key in resolved.origins and not resolved.origins[key].startswith("preset ")


def _is_path(key: str, value: object) -> bool:
    return isinstance(value, str) and (key in _PATHS or (key == _PROTOCOL and is_protocol_file(value)))


def _to_run(path: Path, run: Path) -> str:
    path, run = path.resolve(), run.resolve()
    return os.path.relpath(path, run) if path.is_relative_to(run.parent.parent) else str(path)


def _from_run(key: str, value: object, run: Path) -> object:
    return str((run.resolve() / str(value)).resolve()) if _is_path(key, value) else value
