"""Commands of the load measurement, with few sequences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.__main__ import FEW, STAGES, Cost, growth, measure_all


@pytest.mark.slow
def test_every_command_is_measured(tmp_path: Path) -> None:
    costs = measure_all(tmp_path, FEW)
    assert list(costs) == list(STAGES)
    assert all(cost.cpu_seconds > 0 and 0.01 < cost.gigabytes < 2 for cost in costs.values())


def test_growth_leaves_out_the_seconds_of_the_start() -> None:
    few, small, large = (Cost(0, cpu_seconds, 0) for cpu_seconds in (1, 3, 21))
    assert growth(few, small, large) == 10
