"""Short form of `nox -s faults`: a few faults of each kind on a few commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.paths import ROOT

SCRIPT = """
import json, random, sys, tempfile
from pathlib import Path
from tests.faults import attacks
from tests.faults.attacks import Target
from tests.faults.commands import COMMANDS, make_workspace

rng = random.Random(1)
plan = {"heatmap": ("killed", "two_at_once", "full_disk"), "link": ("killed",), "embed": ("killed", "two_at_once")}
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    folder.chmod(0o755)
    make_workspace(folder)
    problems = []
    for command, faults in plan.items():
        target = Target(folder, COMMANDS[command])
        for fault in faults:
            problems += filter(None, [getattr(attacks, fault)(target, rng)])
print(json.dumps(problems))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks commands")
def test_commands_survive_a_few_faults() -> None:
    # In a process of its own, because that of the tests may have started threads.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == []
