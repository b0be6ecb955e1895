"""The score of a test while training, and the best one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skelgait.checkpoints import best_checkpoint as best
from tests.paths import ROOT
from tests.runs.run_folders import evaluation, write_lines


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({}, None),
        ({"tables": []}, None),
        ({"tables": "none"}, None),
        ({"tables": [{"groups": [{"metrics": None}]}]}, None),
        (evaluation(1), None),  # no group
        (evaluation(1, None, None), None),  # none that counts
        (evaluation(1, 0.5), 0.5),
        (evaluation(1, 0.5, None, 1.0, 0.0), 0.5),  # the mean over those that have one
        ({"tables": ({"groups": ({"metrics": {"rank_1": 0}},)},)}, 0.0),  # tuples, as to_dict gives them
        ({"tables": [{"groups": [{"metrics": {"mean_ap": 0.5}}]}]}, None),
    ],
)
def test_the_score_of_evaluation(report: dict[str, Any], expected: float | None) -> None:
    assert best.test_score(report) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        ([{"iteration": 1}, evaluation(2, None)], None),
        ([evaluation(10, 0.2), evaluation(20, 0.6), evaluation(30, 0.4)], (20, 0.6)),
        ([evaluation(10, 0.2), evaluation(20, 0.6), evaluation(30, 0.6)], (20, 0.6)),  # the earlier where equal
        ([evaluation(30, 0.6), evaluation(20, 0.6)], (20, 0.6)),  # in whatever order they stand
        ([evaluation(10, 0.0)], (10, 0.0)),
        ([{**evaluation(10, 0.9), "iteration": None}, evaluation(20, 0.6)], (20, 0.6)),
    ],
)
def test_the_best_test(tmp_path: Path, lines: list[Any], expected: tuple[int, float] | None) -> None:
    assert best.best_test(tmp_path) is None
    write_lines(tmp_path / "tests.jsonl", lines, cut='{"iteration": 40, "tab')
    assert best.best_test(tmp_path) == (best.Best(*expected) if expected else None)


@pytest.mark.parametrize("name", ["checkpoints/best_checkpoint.py", "checkpoints/folder.py"])
def test_what_the_list_takes_from_training_is_free_of_torch(name: str) -> None:
    script = f"import runpy, sys; runpy.run_path({str(ROOT / 'skelgait' / name)!r}); print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
