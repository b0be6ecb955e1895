"""Failures to print and unforeseen errors: one line on stderr and an exit code other than 0."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch._inductor.exc import InvalidCxxCompiler

from skelgait.cli import app
from skelgait.runs import read
from tests.commands import cli_runner
from tests.paths import ROOT

FULL = Path("/dev/full")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def shell(folder: Path, line: str) -> tuple[int, str]:
    """Run a line of bash in which $SKELGAIT is the command; return its exit code, that of the first in a pipe."""
    environment = {**ENVIRONMENT, "SKELGAIT": f"{sys.executable} -m skelgait"}
    run = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"], cwd=folder, env=environment, capture_output=True, text=True
    )
    return run.returncode, run.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("command", ["config --json", "--help"])
def test_full_output_is_one_line(tmp_path: Path, command: str) -> None:
    code, stderr = shell(tmp_path, f"$SKELGAIT {command} > /dev/full")
    assert code == 1
    assert re.fullmatch(r"Error: standard output: found No space left on device, expected .*\n", stderr)


@pytest.mark.parametrize("command", ["config", "--version", "--version --all"])
def test_closed_pipe_is_quiet(tmp_path: Path, command: str) -> None:
    assert shell(tmp_path, f"$SKELGAIT {command} | true") == (141, "")


@pytest.mark.parametrize("command", ["--help", "embed --help"])
def test_help_in_a_closed_pipe_is_quiet(tmp_path: Path, command: str) -> None:
    code, stderr = shell(tmp_path, f"$SKELGAIT {command} | true")
    assert stderr == ""
    assert code in (1, 141)  # newer versions of rich end the program themselves


def test_closed_output_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    code, stderr = shell(tmp_path, "$SKELGAIT synth --out x >&-")
    assert code == 1
    assert stderr.startswith("Error: standard output: found a closed file")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_full_stderr_keeps_the_exit_code(tmp_path: Path) -> None:
    assert shell(tmp_path, "$SKELGAIT inspect missing 2> /dev/full")[0] == 1


def fail(monkeypatch: pytest.MonkeyPatch, error: Exception, *flags: str) -> Any:
    def raise_error(*_: object) -> None:
        raise error

    monkeypatch.setattr(read, "find_runs", raise_error)
    monkeypatch.setattr("skelgait.runs.find_runs", raise_error)
    return cli_runner().invoke(app, [*flags, "runs"])


def test_unforeseen_error_is_one_line_with_the_file_of_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fail(monkeypatch, RuntimeError("of many\nlines"))
    assert result.exit_code == 1
    match = re.fullmatch(
        r"Error: skelgait \S+: found RuntimeError \(of many lines\), which is a bug in skelgait, expected no such "
        r"error; please report it with the traceback in (\S+)\n",
        result.stderr,
    )
    assert match
    record = Path(match.group(1))
    assert "in raise_error" in record.read_text()
    record.unlink()


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'cv2'", name="cv2"),
        AttributeError("module 'cv2' has no attribute 'resize'", name="resize", obj=ModuleType("cv2")),
    ],
)
def test_opencv_without_files_is_named_with_the_command_that_restores_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    result = fail(monkeypatch, error)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: OpenCV: found no files of it")
    assert "run `pip install --force-reinstall --no-deps opencv-python`" in result.stderr


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fail(monkeypatch, RuntimeError("reason"), "--debug")
    assert isinstance(result.exception, RuntimeError)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "Error: memory: found more than there is, expected "),
        (torch.cuda.OutOfMemoryError("CUDA out of memory."), "Error: memory of the device: found more than there is, "),
        (InvalidCxxCompiler(), "Error: --compile: found InvalidCxxCompiler (No working C++ compiler found in "),
        (
            PermissionError(errno.EACCES, "denied", "a\x1bb"),
            r"Error: a\x1bb: found denied, expected ",
        ),
    ],
)
def test_error_of_the_system_is_no_bug(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    result = fail(monkeypatch, error)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert "is a bug" not in result.stderr
