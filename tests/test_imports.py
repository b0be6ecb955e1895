"""Import rules of the packages: no cycles, no torch where it is not needed, the library does not know `cli`."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGE = ROOT / "skelgait"

MAY_IMPORT = {
    "errors": {"display"},
    "display": set(),
    "skeletons": {"errors"},
    "opengait": {"errors"},
    "datasets": {"errors"},
    "storage": {"errors", "runtime"},
    "runtime": {"errors", "display"},
    "models": {"errors"},
    "losses": {"errors"},
    "matching": {"errors"},
    "maps": {"errors", "skeletons"},
    "settings": {"errors", "display", "datasets", "losses", "matching", "models", "opengait", "storage"},
    "sampling": {"errors", "models", "storage", "runtime"},
    "raw": {"errors", "datasets", "skeletons", "storage"},
    "viz": {"errors", "display", "maps", "storage"},
    "synth": {"errors", "datasets", "runtime", "skeletons", "storage"},
    "preprocess": {"errors", "display", "maps", "raw", "runtime", "settings", "skeletons", "storage"},
    "inspection": {"errors", "display", "datasets", "maps", "raw", "skeletons", "storage", "viz"},
    "checkpoints": {"errors", "display", "datasets", "models", "opengait", "settings", "storage"},
    "embeddings": {"errors", "matching", "models", "runtime", "sampling", "storage"},
    "training": {"errors", "checkpoints", "datasets", "losses", "models", "runtime", "sampling", "settings", "storage"},
    "export": {"errors", "checkpoints", "embeddings", "maps", "models", "opengait", "runtime", "sampling", "synth"},
    "evaluation": {"errors", "display", "datasets", "embeddings", "matching", "runtime", "storage"},
    "reports": {"errors", "display", "datasets", "evaluation", "matching", "storage", "viz"},
    "runs": {"errors", "display", "checkpoints", "settings", "storage", "viz"},
    "video": {"errors", "preprocess", "raw", "runtime", "skeletons", "storage"},
    "pipelines": {
        "errors", "display", "checkpoints", "datasets", "embeddings", "evaluation", "export", "losses", "maps",
        "matching", "models", "preprocess", "raw", "reports", "runtime", "sampling", "settings", "storage", "synth",
        "training", "video", "viz",
    },
}  # fmt: skip
HEAVY = {"torch", "numba", "cv2"}
# This file is imported on request only.
ON_DEVICE = PACKAGE / "maps" / "on_device.py"
WITHOUT_TORCH = (
    "errors", "display", "skeletons", "settings", "datasets", "storage", "raw", "inspection", "preprocess", "maps",
    "synth", "runs", "video", "viz",
)  # fmt: skip


def imported(path: Path) -> set[str]:
    """Return the names that a module imports, at its top level or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(package: str) -> list[Path]:
    folder = PACKAGE / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{package}.py"]


def packages() -> set[str]:
    return {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}


def test_every_package_has_a_rule() -> None:
    assert packages() - {"__init__", "__main__", "cli"} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_they_may(package: str) -> None:
    for path in files_of(package):
        used = {name.split(".")[1] for name in imported(path) if name.startswith("skelgait.")} & packages()
        assert used - {package} <= MAY_IMPORT[package], path


@pytest.mark.parametrize("package", WITHOUT_TORCH)
def test_torch_stays_out(package: str) -> None:
    for path in set(files_of(package)) - {ON_DEVICE}:
        assert "torch" not in {name.split(".")[0] for name in imported(path)}, path


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda path: path.stem)
def test_commands_import_nothing_heavy_at_their_top(path: Path) -> None:
    top = ast.Module([node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.If)], [])
    names = {
        name
        for node in top.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert not {name.split(".")[0] for name in names} & HEAVY
    allowed = (
        "skelgait.cli",
        "skelgait.errors",
        "skelgait.opengait",
        "skelgait.settings",
        "skelgait.display",
        "skelgait.runtime.interrupts",
        "skelgait.runtime.parent",
    )
    assert all(name.startswith(allowed) for name in names if name.startswith("skelgait."))


TORCH_FREE_COMMANDS = ("--help", "runs", "runs --help", "inspect .", "config", "heatmap --help", "train --help")
RUN_COMMANDS = """
import sys
from contextlib import suppress
from skelgait.cli import main
for command in sys.argv[1:]:
    sys.argv = ["skelgait", *command.split()]
    with suppress(SystemExit):
        main()
    assert "torch" not in sys.modules, command
"""


def test_commands_without_a_network_do_not_import_torch(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUN_COMMANDS, *TORCH_FREE_COMMANDS]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_only_the_command_line_prints() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if (PACKAGE / "cli") in path.parents:
            continue
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"], path
