"""Observers of a training: TensorBoard and the callback `on_metrics`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from skelgait.checkpoints.best_checkpoint import TEST
from skelgait.runtime.process_group import is_main
from skelgait.sampling.batch import Batch
from skelgait.training.tensorboard import TensorBoardLogger

OnMetrics = Callable[[int, Mapping[str, float]], None]
"""Function from an iteration and numbers by name, such as `triplet/loss` or `test/rank_1`."""

# MLflow refuses other characters; on Windows also the colon.
_REFUSED = re.compile(r"[^\w./ -]+")


class Observers:
    """Observers in the main process; other processes have none.

    Args:
        run: folder of the run.
        iteration: current iteration.
        tensorboard: True to write TensorBoard logs.
        on_metrics: callback; None: none.

    Raises:
        SettingsError: if tensorboard is not installed.
    """

    def __init__(self, run: Path, iteration: int, tensorboard: bool, on_metrics: OnMetrics | None) -> None:
        self._tensorboard = TensorBoardLogger(run, iteration) if tensorboard and is_main() else None
        self._on_metrics = on_metrics if is_main() else None

    def metrics(self, iteration: int, line: Mapping[str, Any]) -> None:
        """Pass on the metrics of a logged step."""
        if self._tensorboard is not None:
            self._tensorboard.scalars(iteration, line)
        if self._on_metrics is not None:
            self._on_metrics(iteration, {name: value for name, value in line.items() if name != "iteration"})

    def evaluation(self, iteration: int, score: float | None, report: Mapping[str, Any]) -> None:
        """Pass on an evaluation: its score as `<subset>/rank_1`, and to the callback all numbers of the report."""
        subset = report.get("subset", TEST)
        scores = {} if score is None else {f"{subset}/rank_1": score}
        if self._tensorboard is not None:
            self._tensorboard.scalars(iteration, scores)
        if self._on_metrics is not None and report:
            self._on_metrics(iteration, {**dict(_numbers(report, subset)), **scores})

    def frames(self, iteration: int, batch: Batch) -> None:
        """Pass on an image of the first sequence of a batch."""
        if self._tensorboard is not None:
            self._tensorboard.frames(iteration, batch)

    def close(self) -> None:
        """Write buffered events."""
        if self._tensorboard is not None:
            self._tensorboard.close()


def _numbers(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a report, as `<subset>/<table>/<group>/<metric>` those of its groups."""
    for name, value in content.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}/{name}", value
    for table in content.get("tables", ()):
        for group in table["groups"]:
            name = _REFUSED.sub("", f"{table['title']}/{group['name']}")
            yield from _numbers(group["metrics"], f"{prefix}/{name}")
