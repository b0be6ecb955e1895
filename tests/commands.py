"""Command line run as a separate process."""

from __future__ import annotations

import os
import subprocess
import sys
from inspect import signature
from pathlib import Path

from typer.testing import CliRunner

from skelgait.cli import app
from tests.paths import ROOT


def run_command(folder: Path, *args: object, launcher: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run `skelgait ARGS` in `folder`, without settings from the environment.

    Args:
        folder: working folder.
        args: command and flags.
        launcher: Python arguments of a launcher, such as torchrun.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "skelgait", *map(str, args)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def skelgait(folder: Path, *args: object, launcher: tuple[str, ...] = ()) -> str:
    """Run `skelgait ARGS` in `folder`, check that it succeeds, and return its stdout."""
    run = run_command(folder, *args, launcher=launcher)
    assert run.returncode == 0, run.stderr
    return run.stdout


def skelgait_here(folder: Path, *args: object) -> str:
    """Do the same as `skelgait` in this process, which saves the time for imports."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = cli_runner().invoke(app, list(map(str, args)))
    finally:
        os.chdir(before)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def cli_runner() -> CliRunner:
    """Return a runner that keeps stderr apart; before click 8.2 it mixes stdout and stderr unless told otherwise."""
    return CliRunner(**({"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}))
