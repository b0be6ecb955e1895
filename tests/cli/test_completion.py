"""Shell completion in bash, with the script that `--show-completion` prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skelgait.cli.app import COMMANDS
from skelgait.datasets import DATASETS
from skelgait.raw.poses import LAYOUTS
from skelgait.settings import preset_names
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
BASH = """
source completion.sh
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_skelgait_completion ./skelgait
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the program `skelgait`, its completion script and two runs."""
    folder = tmp_path_factory.mktemp("shell")
    program = folder / "skelgait"
    program.write_text(f'#!/bin/bash\nexec "{sys.executable}" -m skelgait "$@"\n')
    program.chmod(0o755)
    run_bash(folder, "./skelgait --show-completion > completion.sh")
    for name in ("runs/first", "runs/second", "other/third"):
        (folder / name).mkdir(parents=True)
        (folder / name / "settings.yaml").touch()
    return folder


def run_bash(folder: Path, command: str) -> list[str]:
    """Run bash in a folder; return the words that it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    run = subprocess.run(
        ["bash", "--norc", "-c", command], cwd=folder, env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stderr == ""
    return run.stdout.split()


def complete(folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last word."""
    return run_bash(folder, BASH.format(words=" ".join(f"'{word}'" for word in ("skelgait", *words))))


def test_commands(shell: Path) -> None:
    assert complete(shell, "") == [command.name for commands in COMMANDS.values() for command in commands]
    assert complete(shell, "ev") == ["evaluate"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("train", "--prec"), ["--precision"]),
        (("train", "--precision", ""), ["auto", "float32", "bf16", "fp16"]),
        (("train", "--dataset", ""), list(DATASETS)),
        (("train", "--dataset", "C"), ["CCPG", "CASIA-B"]),
        (("train", "--network", "skeletongait+"), ["skeletongait++"]),
        (("evaluate", "--preset", ""), list(preset_names())),
        (("poses", "raw", "--layout", ""), list(LAYOUTS)),
        (("evaluate", "--run-name", ""), ["first", "second"]),
        (("evaluate", "--runs", "other", "--run-name", "t"), ["third"]),
        (("compare", "s"), ["second"]),
        (("runs", ""), ["first", "second"]),
        (("config", "eva"), ["evaluate"]),
        (("protocol", "cu"), ["custom"]),
    ],
)
def test_flags_and_values(shell: Path, words: tuple[str, ...], expected: list[str]) -> None:
    assert complete(shell, *words) == expected


def test_invalid_settings_file_completes_nothing(shell: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(shell, tmp_path / "shell")
    (folder / "skelgait.yaml").write_text("nonsense: 1\n")
    assert complete(folder, "evaluate", "--run-name", "") == []
