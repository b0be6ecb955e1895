"""Shell completion of run names and setting sections."""

from __future__ import annotations

from pathlib import Path

import typer

from skelgait.errors import SkelgaitError


def complete_run(ctx: typer.Context) -> list[str]:
    """Return the names of the training runs in the workspace, or in the folder of `--runs` if that was given."""
    from skelgait.settings import load_settings

    try:
        # Older versions of typer give text.
        folder = Path(ctx.params.get("paths_runs") or load_settings().settings.paths.runs)
    except SkelgaitError:  # invalid settings: the command itself reports them
        return []
    return sorted(path.parent.name for path in folder.glob("*/settings.yaml"))


def complete_section() -> list[str]:
    """Return the names of the commands that have settings."""
    from skelgait.settings.problems import section_models

    return [name for name in section_models() if "." not in name and name != "paths"]
