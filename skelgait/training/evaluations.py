"""Evaluations during training, one JSON line each in `tests.jsonl`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelgait.checkpoints.best_checkpoint import EVALUATIONS_FILE, best_evaluation, evaluation_score
from skelgait.runtime.process_group import is_main
from skelgait.runtime.processes import any_process
from skelgait.storage.json_lines import read_json_lines
from skelgait.training.metrics import append_line, drop_lines_after

log = logging.getLogger(__name__)


class Evaluations:
    """Evaluations of a run.

    Args:
        run: folder of the run.
        iteration: current iteration. Evaluations of later iterations, from before an interruption, are removed.
    """

    def __init__(self, run: Path, iteration: int) -> None:
        self._run = run
        drop_lines_after(run / EVALUATIONS_FILE, iteration)

    def has(self, iteration: int) -> bool:
        """Return True, in all processes, if the network of this iteration is evaluated."""
        iterations = (line.get("iteration") for line in read_json_lines(self._run / EVALUATIONS_FILE))
        return any_process(is_main() and iteration in iterations)

    def write(self, iteration: int, report: Mapping[str, Any]) -> float | None:
        """Write the report of an iteration; return its score in [0, 1], see `evaluation_score`."""
        score = evaluation_score(report)
        if is_main():
            append_line(self._run / EVALUATIONS_FILE, json.dumps({"iteration": iteration, **report}))
            result = "no score" if score is None else f"rank-1 {100 * score:.1f} percent"
            log.info("evaluation at iteration %d: %s", iteration, result)
        return score

    def best(self) -> int | None:
        """Return the iteration with the highest score; None without evaluations."""
        best = best_evaluation(self._run)
        return None if best is None else best.iteration
