"""Commands of the load measurement, with few sequences."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.load.__main__ import STAGES, Cost, growth
from tests.paths import ROOT


@pytest.mark.slow
def test_every_command_is_measured(tmp_path: Path) -> None:
    # In a process of its own: that of the tests may have a high peak, with which its children start.
    script = (
        f"import json; from tests.load.__main__ import *; print(json.dumps(measure_all(Path({str(tmp_path)!r}), FEW)))"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    costs = {stage: Cost(*cost) for stage, cost in json.loads(run.stdout.splitlines()[-1]).items()}
    assert list(costs) == list(STAGES)
    assert all(cost.cpu_seconds > 0 and 0.01 < cost.gigabytes < 2 for cost in costs.values())


def test_growth_leaves_out_the_seconds_of_the_start() -> None:
    few, small, large = (Cost(0, cpu_seconds, 0) for cpu_seconds in (1, 3, 21))
    assert growth(few, small, large) == 10
