"""Fixture with embeddings, for `embed`, `evaluate` and `identify`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.embedded import make


@pytest.fixture(scope="session")
def embedded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, before = tmp_path_factory.mktemp("embedded"), Path.cwd()
    os.chdir(folder)
    try:
        return make(folder)
    finally:
        os.chdir(before)


@pytest.fixture
def embedded(embedded_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, see `tests.cli.embedded.make`. Tests must not overwrite its files."""
    monkeypatch.chdir(embedded_folder)
    return embedded_folder
