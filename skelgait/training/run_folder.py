"""Files of a run that are written once at its start: settings, versions, data and state of the code."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import yaml

import skelgait
from skelgait.errors import DataError
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.processes import is_main, world_size
from skelgait.settings.training import TrainSettings
from skelgait.storage.atomic import write_text

RUN_FILE = "run.json"


def write_run(run: Path, settings: TrainSettings, device: torch.device, data: Mapping[str, Any]) -> None:
    """Write `settings.yaml`, which `--settings` reads, and `run.json` with versions, machine and data.

    Args:
        run: folder of the run.
        settings: training settings.
        device: device of the network.
        data: fingerprint of the data.

    Raises:
        DataError: if a file cannot be written, or if the `run.json` of a resumed run is damaged.
    """
    if not is_main():
        return
    write_text(run / "settings.yaml", yaml.safe_dump({"train": settings.model_dump(mode="json")}, sort_keys=False))
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    before = _read(run / RUN_FILE) if settings.resume else {}
    content = {
        "started": before.get("started", now),
        "resumed": [*before.get("resumed", []), *([now] if settings.resume else [])],
        **_machine(device),
        "git": {"skelgait": _git_of_package(), "folder": _git_of(Path.cwd())},
        "data": data,
    }
    write_text(run / RUN_FILE, json.dumps(content, indent=1) + "\n")


def _read(path: Path) -> dict[str, Any]:
    """Return the content of `run.json`; empty if the file is missing."""
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(path, f"a damaged file ({error})", "the facts of the run's start", "remove the file") from error


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "skelgait": skelgait.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
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
    return _git_of(package) if is_tracked else None


def _git_of(folder: Path) -> dict[str, Any] | None:
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
