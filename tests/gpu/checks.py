"""All checks of a device."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tests.gpu.arithmetic import arithmetic_checks
from tests.gpu.check import Check
from tests.gpu.runs import run_checks
from tests.gpu.speed import speed_checks


def all_checks(device: torch.device) -> Iterator[Check]:
    """Yield all checks, quick ones first."""
    yield from arithmetic_checks(device)
    yield from run_checks()
    yield from speed_checks()
