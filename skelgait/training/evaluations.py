"""Evaluations while training, one JSON line each in `tests.jsonl`, and which of them was the best."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelgait.checkpoints.best_checkpoint import EVALUATIONS_FILE, best_evaluation, evaluation_score
from skelgait.runtime.processes import any_process, is_main
from skelgait.storage.json_lines import read_json_lines
from skelgait.training.metrics import append_line, drop_lines_after

log = logging.getLogger(__name__)


class Evaluations:
    """The evaluations of a run.

    Args:
        run: the run's folder.
        iteration: steps taken before; evaluations of later ones, from before an interruption, are dropped.
    """

    def __init__(self, run: Path, iteration: int) -> None:
        self._run = run
        drop_lines_after(run / EVALUATIONS_FILE, iteration)

    def has(self, iteration: int) -> bool:
        """Whether there is one of that iteration; all processes get the same answer."""
        tested = (test.get("iteration") for test in read_json_lines(self._run / EVALUATIONS_FILE))
        return any_process(is_main() and iteration in tested)

    def write(self, iteration: int, report: Mapping[str, Any]) -> float | None:
        """Write down the report of an iteration; returns its score, the mean rank-1 of its first table."""
        score = evaluation_score(report)
        if is_main():
            append_line(self._run / EVALUATIONS_FILE, json.dumps({"iteration": iteration, **report}))
            said = "without a score" if score is None else f"rank-1 {100 * score:.1f} percent"
            log.info("iteration %d tested: %s", iteration, said)
        return score

    def best(self) -> int | None:
        """The iteration with the highest score; None where there is none."""
        best = best_evaluation(self._run)
        return None if best is None else best.iteration
