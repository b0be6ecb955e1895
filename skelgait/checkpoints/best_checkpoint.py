"""Best evaluation of a run, read from `tests.jsonl`; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skelgait.storage.json_lines import read_json_lines

EVALUATIONS_FILE = "tests.jsonl"
"""File in the folder of a run with a line for each evaluation during training."""


@dataclass(frozen=True)
class BestEvaluation:
    """Best evaluation of a run.

    Attributes:
        iteration: iteration of the evaluated checkpoint.
        score: score in [0, 1], see `evaluation_score`.
    """

    iteration: int
    score: float


def evaluation_score(report: Mapping[str, Any]) -> float | None:
    """Return the score that evaluations are compared by: mean rank-1 over the groups of the first table.

    Args:
        report: evaluation, see `skelgait.evaluation.EvaluationReport.to_dict`.

    Returns:
        Mean over the groups that have a rank-1, in [0, 1]; None if no group has one.
    """
    try:
        values = [group["metrics"].get("rank_1") for group in report["tables"][0]["groups"]]
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    scores = [float(value) for value in values if isinstance(value, int | float)]
    return sum(scores) / len(scores) if scores else None


def evaluation_scores(run: Path) -> dict[int, float]:
    """Return the scores of a run by iteration, in ascending order. Evaluations without a score are left out.

    Args:
        run: folder of the run.

    Raises:
        DataError: if `tests.jsonl` cannot be read.
    """
    scores: dict[int, float] = {}
    for report in read_json_lines(run / EVALUATIONS_FILE):
        iteration, score = report.get("iteration"), evaluation_score(report)
        if isinstance(iteration, int) and score is not None:
            scores[iteration] = score
    return dict(sorted(scores.items()))


def highest_score(scores: Mapping[int, float]) -> BestEvaluation | None:
    """Return the highest of the scores by iteration, the earliest of equal ones; None if there is none."""
    iteration = min(scores, key=lambda iteration: (-scores[iteration], iteration), default=None)
    return None if iteration is None else BestEvaluation(iteration, scores[iteration])


def best_evaluation(run: Path) -> BestEvaluation | None:
    """Return the best evaluation of a run, the earliest of equal ones; None if there is none.

    Args:
        run: folder of the run.

    Raises:
        DataError: if `tests.jsonl` cannot be read.
    """
    return highest_score(evaluation_scores(run))
