"""Fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paths import ROOT

SHARED = ROOT.parent / "shared"


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}")
    return folder


@pytest.fixture
def parity() -> Path:
    """Return the folder with numbers of OpenGait, or skip the test."""
    return _shared("parity")


@pytest.fixture
def partitions() -> Path:
    """Return the folder with the official partitions as published, or skip the test."""
    return _shared("partitions")
