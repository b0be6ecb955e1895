"""Ctrl-C at any moment: "Stopped." and exit code 130."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.paths import ROOT

COMMANDS = (("synth", "made", "--people", "500"), ("demo", "--quick"), ("train", "--help"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def interrupt(folder: Path, command: tuple[str, ...], seconds: float, *more: float) -> tuple[int, str]:
    """Start a command, send SIGINT after a time, and again after more times; return exit code and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "skelgait", *command],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for delay in (seconds, *more):
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def is_clean(code: int, stderr: str) -> bool:
    """Return True if a command was stopped, had ended before, or Python had not yet begun to run it."""
    if (code, stderr) in ((130, "Stopped.\n"), (0, "")):
        return True
    is_started = any(f"skelgait/{name}" in stderr for name in ("cli", "runtime/interrupts.py"))
    return code in (1, -signal.SIGINT) and not is_started


@pytest.mark.parametrize("moment", [0.3, 0.8])
def test_interrupt_while_modules_are_imported(tmp_path: Path, moment: float) -> None:
    code, stderr = interrupt(tmp_path, COMMANDS[1], moment)
    assert is_clean(code, stderr), stderr


def test_interrupt_twice(tmp_path: Path) -> None:
    code, stderr = interrupt(tmp_path, COMMANDS[0], 1.5, 0.001)
    assert is_clean(code, stderr), stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("times", [1, 2])
def test_interrupt_at_random_moments(tmp_path: Path, command: tuple[str, ...], times: int) -> None:
    draw = random.Random(0)
    results = [
        interrupt(tmp_path, command, draw.uniform(0, 0.6), *(draw.uniform(0, 0.05) for _ in range(times - 1)))
        for _ in range(20)
    ]
    assert not [stderr for code, stderr in results if not is_clean(code, stderr)]
    assert sum(code == 130 for code, _ in results) > 5
