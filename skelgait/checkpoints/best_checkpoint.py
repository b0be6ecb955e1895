"""Best evaluation of a run, read from `tests.jsonl`; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.storage.json_lines import read_json_lines

EVALUATIONS_FILE = "tests.jsonl"
"""File in the folder of a run with a line for each evaluation during training."""

OVERALL_GROUP = "Overall"
"""Name of the group over all probes, in protocols that have one, such as SUSTech1K."""

TEST, VALIDATION = "test", "validation"


@dataclass(frozen=True)
class BestEvaluation:
    """Best evaluation of a run.

    Attributes:
        iteration: iteration of the evaluated checkpoint.
        score: score in [0, 1], see `evaluation_score`.
        subset: evaluated people, `test` or `validation`.
    """

    iteration: int
    score: float
    subset: str = TEST


class Scores(NamedTuple):
    """Scores of a run.

    Attributes:
        by_iteration: score in [0, 1] by iteration, in ascending order.
        subset: evaluated people, `test` or `validation`.
    """

    by_iteration: Mapping[int, float]
    subset: str = TEST

    def best(self) -> BestEvaluation | None:
        """Return the highest score, the earliest of equal ones; None if there is none."""
        scores = self.by_iteration
        iteration = min(scores, key=lambda iteration: (-scores[iteration], iteration), default=None)
        return None if iteration is None else BestEvaluation(iteration, scores[iteration], self.subset)


def evaluation_score(report: Mapping[str, Any]) -> float | None:
    """Return the score that evaluations are compared by: rank-1 over all probes of the first table.

    Args:
        report: evaluation, see `skelgait.evaluation.EvaluationReport.to_dict`.

    Returns:
        Rank-1 of the group `Overall` if the table has it, otherwise the mean over the groups that have a rank-1, in
        [0, 1]; None if no group has one.
    """
    try:
        values = [(group.get("name"), group["metrics"].get("rank_1")) for group in report["tables"][0]["groups"]]
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    scores = [(name, float(value)) for name, value in values if isinstance(value, int | float)]
    overall = [score for name, score in scores if name == OVERALL_GROUP] or [score for _, score in scores]
    return sum(overall) / len(overall) if overall else None


def read_scores(run: Path) -> Scores:
    """Read the scores of a run. If validation people were evaluated, scores of test people are left out.

    Args:
        run: folder of the run.

    Raises:
        DataError: if `tests.jsonl` cannot be read.
    """
    scores: dict[str, dict[int, float]] = {}
    for report in read_json_lines(run / EVALUATIONS_FILE):
        iteration, score = report.get("iteration"), evaluation_score(report)
        if isinstance(iteration, int) and score is not None:
            scores.setdefault(str(report.get("subset", TEST)), {})[iteration] = score
    subset = VALIDATION if VALIDATION in scores else TEST
    return Scores(dict(sorted(scores.get(subset, {}).items())), subset)


def best_evaluation(run: Path) -> BestEvaluation | None:
    """Return the best evaluation of a run, the earliest of equal ones; None if there is none.

    Args:
        run: folder of the run.

    Raises:
        DataError: if `tests.jsonl` cannot be read.
    """
    return read_scores(run).best()
