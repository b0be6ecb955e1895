"""How good a network was at the tests of its training; knows only files, nothing of networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skelgait.storage.json_lines import read_json_lines

TESTS = "tests.jsonl"


@dataclass(frozen=True)
class Best:
    """The best test of a run.

    Attributes:
        iteration: after which it was tested.
        score: its score in [0, 1], see `test_score`.
    """

    iteration: int
    score: float


def test_score(report: Mapping[str, Any]) -> float | None:
    """The one number that tests are compared by, in [0, 1]: mean rank-1 over the groups of the first table.

    Args:
        report: an evaluation, see `skelgait.evaluation.EvaluationReport.to_dict`.

    Returns:
        The mean over the groups that have a rank-1; None where none has.
    """
    try:
        found = [group["metrics"].get("rank_1") for group in report["tables"][0]["groups"]]
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    there = [float(value) for value in found if isinstance(value, int | float)]
    return sum(there) / len(there) if there else None


def test_scores(run: Path) -> dict[int, float]:
    """The score of each test in the folder of a run, by iteration, in their order; those without one are left out.

    Raises:
        DataError: the file of the tests cannot be read.
    """
    scores: dict[int, float] = {}
    for report in read_json_lines(run / TESTS):
        iteration, score = report.get("iteration"), test_score(report)
        if isinstance(iteration, int) and score is not None:
            scores[iteration] = score
    return dict(sorted(scores.items()))


def best_of(scores: Mapping[int, float]) -> Best | None:
    """The highest of the scores by iteration, the earlier where equal; None where there is none."""
    iteration = min(scores, key=lambda tested: (-scores[tested], tested), default=None)
    return None if iteration is None else Best(iteration, scores[iteration])


def best_test(run: Path) -> Best | None:
    """The test with the highest score in the folder of a run, the earlier where equal; None where there is none.

    Raises:
        DataError: the file of the tests cannot be read.
    """
    return best_of(test_scores(run))
