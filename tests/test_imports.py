"""Who may import whom: data flow one way, and the library does not know the command line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "skelgait"

MAY_IMPORT = {
    "errors": set(),
    "skeletons": {"errors"},
    "maps": {"errors", "skeletons"},
    "models": {"errors"},
    "losses": {"errors"},
    "datasets": {"errors"},
    "settings": {"errors", "datasets"},
    "storage": {"errors"},
    "runtime": {"errors"},
    "sampling": {"errors", "storage", "runtime"},
    "raw": {"errors", "storage"},
    "poses": {"errors", "build", "datasets", "raw", "runtime", "settings", "silhouettes", "skeletons", "storage"},
    "inspection": {"errors", "datasets", "maps", "poses", "raw", "skeletons", "storage"},
    "sheet": {"errors", "storage"},
    "walkers": {"errors", "skeletons", "storage", "datasets", "runtime"},
    "build": {"errors", "runtime", "storage"},
    "silhouettes": {"build", "errors", "raw", "runtime", "settings", "storage"},
    "heatmap": {"build", "errors", "maps", "storage", "settings", "runtime"},
    "pairing": {"errors", "storage"},
    "preview": {"errors", "maps", "sheet", "storage"},
    "convert": {"errors", "runtime", "storage"},
    "workspace": {"errors", "datasets", "settings", "storage"},
    "reports": {"errors", "datasets", "evaluation", "sheet", "storage"},
    "drawn": {"errors", "maps", "settings", "storage"},
    "identification": {"errors", "embeddings", "matching", "storage"},
    "jobs": {
        "errors", "datasets", "drawn", "embeddings", "evaluation", "identification", "matching", "models", "poses",
        "reports", "runtime", "settings", "storage", "training", "workspace",
    },
    "matching": {"errors", "runtime"},
    "embeddings": {"errors", "matching", "models", "runtime", "sampling", "storage"},
    "evaluation": {"errors", "datasets", "embeddings", "matching", "storage"},
    "training": {"errors", "sampling", "models", "losses", "evaluation", "runtime", "storage", "settings", "datasets"},
    "run_list": {"errors", "settings", "storage", "training"},
    "demo": {
        "errors", "datasets", "settings", "storage", "walkers", "heatmap", "pairing", "sheet", "evaluation",
        "workspace", "runtime", "jobs", "models",
    },
}  # fmt: skip
HEAVY = {"torch", "numba", "cv2"}
# The one file that draws with torch is imported only where it is asked for.
ON_DEVICE = PACKAGE / "maps" / "on_device.py"
WITHOUT_TORCH = (
    "errors", "skeletons", "settings", "datasets", "storage", "build", "raw", "silhouettes", "poses", "inspection",
    "pairing", "heatmap", "maps", "walkers", "run_list",
)  # fmt: skip


def imported(path: Path) -> set[str]:
    """Absolute names that a module imports at its top level or anywhere inside."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(room: str) -> list[Path]:
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def rooms() -> set[str]:
    return {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}


def test_every_room_has_a_rule() -> None:
    assert rooms() - {"__init__", "__main__", "cli"} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_only_what_they_may(room: str) -> None:
    for path in files_of(room):
        used = {name.split(".")[1] for name in imported(path) if name.startswith("skelgait.")} & rooms()
        assert used - {room} <= MAY_IMPORT[room], path


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_torch_stays_out(room: str) -> None:
    for path in set(files_of(room)) - {ON_DEVICE}:
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
    allowed = ("skelgait.cli", "skelgait.errors", "skelgait.settings")
    assert all(name.startswith(allowed) for name in names if name.startswith("skelgait."))


def test_only_the_command_line_prints() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if (PACKAGE / "cli") in path.parents:
            continue
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"], path
