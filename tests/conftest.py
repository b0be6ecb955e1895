"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paths import ROOT

SHARED = ROOT.parent / "shared"


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the folder {name} with reference data is not beside the project")
    return folder


@pytest.fixture
def parity() -> Path:
    """Numbers of OpenGait to agree with."""
    return _shared("parity")


@pytest.fixture
def partitions() -> Path:
    """The official partitions as the datasets publish them."""
    return _shared("partitions")
