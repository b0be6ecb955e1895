"""Scores of evaluations during training, and the best one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skelgait.checkpoints.best_checkpoint import BestEvaluation, best_evaluation, evaluation_score
from tests.runs.run_folders import evaluation, write_lines


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({}, None),
        ({"tables": []}, None),
        ({"tables": "none"}, None),
        ({"tables": [{"groups": [{"metrics": None}]}]}, None),
        (evaluation(1), None),  # no groups
        (evaluation(1, None, None), None),  # no score
        (evaluation(1, 0.5), 0.5),
        (evaluation(1, 0.5, None, 1.0, 0.0), 0.5),  # mean over groups with a score
        ({"tables": ({"groups": ({"metrics": {"rank_1": 0}},)},)}, 0.0),  # tuples, as in to_dict
        ({"tables": [{"groups": [{"metrics": {"mean_ap": 0.5}}]}]}, None),
        (
            {
                "tables": [
                    {"groups": [{"name": n, "metrics": {"rank_1": r}} for n, r in (("Bag", 0.9), ("Overall", 0.3))]}
                ]
            },
            0.3,
        ),
    ],
)
def test_score_is_overall_or_mean_rank_1_of_first_table(report: dict[str, Any], expected: float | None) -> None:
    assert evaluation_score(report) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        ([{"iteration": 1}, evaluation(2, None)], None),
        ([evaluation(10, 0.2), evaluation(20, 0.6), evaluation(30, 0.4)], (20, 0.6)),
        ([evaluation(10, 0.2), evaluation(20, 0.6), evaluation(30, 0.6)], (20, 0.6)),  # the earliest of equal scores
        ([evaluation(30, 0.6), evaluation(20, 0.6)], (20, 0.6)),  # in any order of lines
        ([evaluation(10, 0.0)], (10, 0.0)),
        ([{**evaluation(10, 0.9), "iteration": None}, evaluation(20, 0.6)], (20, 0.6)),
        # Where validation people were evaluated, test people do not count.
        ([evaluation(10, 0.9), {**evaluation(20, 0.6), "subset": "validation"}], (20, 0.6, "validation")),
    ],
)
def test_best_evaluation_has_top_score(tmp_path: Path, lines: list[Any], expected: tuple[Any, ...] | None) -> None:
    assert best_evaluation(tmp_path) is None
    write_lines(tmp_path / "tests.jsonl", lines, cut='{"iteration": 40, "tab')
    assert best_evaluation(tmp_path) == (BestEvaluation(*expected) if expected else None)
