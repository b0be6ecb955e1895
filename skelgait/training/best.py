"""Which evaluation while training was the best."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

TESTS_FILE = "tests.jsonl"


class Best(NamedTuple):
    """The best evaluation of a run.

    Attributes:
        iteration: whose network was evaluated.
        score: see `test_score`.
    """

    iteration: int
    score: float


def test_score(report: Mapping[str, Any]) -> float | None:
    """Mean rank-1, in [0, 1], over the groups of a report's first table that have one; None where none has."""
    tables = report.get("tables") or [{}]
    figures = [group["figures"].get("rank_1") for group in tables[0].get("groups", [])]
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def read_tests(run: Path) -> list[dict[str, Any]]:
    """The evaluations in the folder of a run; lines that a kill has cut off are left out."""
    path = run / TESTS_FILE
    tests = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            test = json.loads(line)
            test["iteration"] = int(test["iteration"])
        except (ValueError, KeyError, TypeError):
            continue
        tests.append(test)
    return tests


def best_test(run: Path) -> Best | None:
    """The evaluation of a run with the highest score, the earlier where equal; None where none has one."""
    scored = [(test["iteration"], test_score(test)) for test in read_tests(run)]
    return max(
        (Best(iteration, score) for iteration, score in sorted(scored) if score is not None),
        key=lambda best: best.score,
        default=None,
    )
