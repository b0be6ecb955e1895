"""The folder of a training run, as far as it is written once: settings, versions, data, state of the code."""

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
    """Write down the settings of the run, in a form that `--settings` reads, and what it runs with and on.

    Args:
        run: the run's folder.
        settings: how to train.
        device: where the network runs.
        data: the fingerprint of the data.

    Raises:
        DataError: the folder cannot be written, or what is there is damaged.
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
    """What is written down already; nothing where the run is older than this file."""
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(path, f"a damaged file ({error})", "what the run began with", "remove the file") from error


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
    """The state of skelgait's own repository, where it is run from one."""
    package = Path(skelgait.__file__).parent
    is_tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py") is not None
    return _git_of(package) if is_tracked else None


def _git_of(folder: Path) -> dict[str, Any] | None:
    """Commit, and whether files have changed since, of the repository that `folder` lies in; None where in none."""
    commit = _git(folder, "rev-parse", "HEAD")
    return (
        None if commit is None else {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain", "-uno"))}
    )


def _git(folder: Path, *words: str) -> str | None:
    """What git says in `folder`; None where there is no git, or it says no."""
    try:
        said = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip() if said.returncode == 0 else None
