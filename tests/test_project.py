"""Files of the project agree: versions, Python versions, checks."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import yaml

import skelgait
from skelgait.runtime.versions import LIBRARIES
from tests.paths import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
PYTHONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)


def test_version_is_the_same_everywhere() -> None:
    assert f'version = "{skelgait.__version__}"' in PYPROJECT


def test_versions_are_shown_of_all_dependencies_and_extras() -> None:
    required = re.search(r"\ndependencies = \[(.*?)\n\]", PYPROJECT, re.DOTALL)[1]
    required += re.search(r"\nexport = .*?(?=\ntest = )", PYPROJECT, re.DOTALL)[0]
    names = set(re.findall(r'"([a-z0-9-]+)[>"]', required))
    assert {"torch", "llvmlite", "onnxruntime", "matplotlib"} < names
    assert names <= set(LIBRARIES)


def test_workflow_runs_every_system_and_python() -> None:
    matrix = WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == PYTHONS
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in PYTHONS


def test_workflow_runs_sessions_that_exist() -> None:
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            if step.get("run", "").startswith("nox -s"):
                # minimums-3.10 is minimums with Python 3.10.
                assert {name.partition("-")[0] for name in step["run"].split()[2:]} <= sessions


@pytest.mark.parametrize("tool", ["ruff", "mypy", "mkdocs", "mkdocs-material", "mkdocstrings"])
def test_tools_are_pinned(tool: str) -> None:
    assert re.search(rf'"{tool}==[\d.]+"', PYPROJECT)


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_files_for_github_are_yaml(path: Any) -> None:
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)
