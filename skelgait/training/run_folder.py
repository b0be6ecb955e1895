"""Files of a run that describe it: settings, versions, data, state of the code, and changes on resume."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import yaml

import skelgait
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.process_group import is_main
from skelgait.runtime.processes import wait_for_all, world_size
from skelgait.runtime.versions import numeric_versions
from skelgait.settings.dotted import nest
from skelgait.settings.run_settings import RUN_FILE, RUN_FORMAT, SETTINGS_FILE, change_to_record, read_run_file
from skelgait.storage.atomic import write_text
from skelgait.training.precision import resolve_precision
from skelgait.training.resume import Resumption

# They say how one command continues a run; a new run with these settings must not continue anything.
_NOT_RECORDED = ("train.resume", "train.iteration", "train.allow_changes")


def write_run(
    run: Path,
    settings: Mapping[str, object],
    device: torch.device,
    data: Mapping[str, Any],
    resumption: Resumption | None = None,
) -> None:
    """Write `settings.yaml` at the start of a run, and `run.json` at the start and at each resume.

    `settings.yaml`, which `--settings` reads, is never written again: `run.json` lists the changes of a resume.

    Args:
        run: folder of the run.
        settings: settings to record, by dotted key.
        device: device of the network.
        data: fingerprint of the data.
        resumption: checkpoint and changes of a resumed run; None: a new run.

    Raises:
        DataError: if a file cannot be written, or if the `run.json` of a resumed run is damaged.
    """
    wait_for_all()  # the other processes may still read the files
    if not is_main():
        return
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    precision = resolve_precision(str(settings["train.precision"]), device)
    history: dict[str, Any] = {"started": now, "resumed": [], "precision": precision, "changes": []}
    if resumption is None:
        recorded = {key: value for key, value in settings.items() if key not in _NOT_RECORDED}
        write_text(run / SETTINGS_FILE, yaml.safe_dump(nest(recorded), sort_keys=False))
    else:
        before = read_run_file(run)
        history |= {key: before[key] for key in history if key in before}
        history["resumed"] = [*history["resumed"], now]
        history["changes"] = _changes(history["changes"], resumption)
    content = {
        "format": RUN_FORMAT,
        **history,
        **_machine(device),
        "git": {"skelgait": _git_of_package(), "folder": _git_state(Path.cwd())},
        "data": data,
    }
    write_text(run / RUN_FILE, json.dumps(content, indent=1) + "\n")


def _changes(before: list[dict[str, Any]], resumption: Resumption) -> list[dict[str, Any]]:
    """Return the changes of a run, without those after the checkpoint that is resumed."""
    iteration = resumption.checkpoint.iteration
    earlier = [change for change in before if change["iteration"] <= iteration]
    return [*earlier, *(change_to_record(change, iteration) for change in resumption.changes)]


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "skelgait": skelgait.__version__,
        "python": platform.python_version(),
        **numeric_versions(),
        "machine": platform.platform(),
        "cores": usable_cores(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "processes": world_size(),
        "threads": torch.get_num_threads(),
    }


def _git_of_package() -> dict[str, Any] | None:
    """Return the git state of skelgait; None if it does not run from a repository."""
    package = Path(skelgait.__file__).parent
    is_tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py") is not None
    return _git_state(package) if is_tracked else None


def _git_state(folder: Path) -> dict[str, Any] | None:
    """Return commit and uncommitted changes of the repository of a folder; None without a repository."""
    commit = _git(folder, "rev-parse", "HEAD")
    return (
        None if commit is None else {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain", "-uno"))}
    )


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command in a folder; None if git is missing or fails."""
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None
