"""Metrics of the training steps, one JSON line for each logged step in `metrics.jsonl`.

Keys of a line, which `skelgait runs` reads: `iteration`, `learning_rate`; for each loss `<loss>/loss` (unweighted) and
its other values, such as `triplet/active_share` and `cross_entropy/accuracy`; `steps_per_second`,
`sequences_per_second`, `frames_per_second` and `seconds_left`. Only names of loss values have a `/`. Accuracies and
shares (names that end in `accuracy` or `_share`) are in [0, 1].
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from torch import Tensor

from skelgait.runtime.process_group import is_main
from skelgait.storage.atomic import write_error, write_text
from skelgait.storage.json_lines import read_json_lines

log = logging.getLogger(__name__)

METRICS_FILE = "metrics.jsonl"


class Metrics:
    """Writer of `metrics.jsonl`, which also logs each line.

    Args:
        run: folder of the run.
        iteration: current iteration. Lines of later iterations, from before an interruption, are removed.
        iterations: last iteration of the training.
    """

    def __init__(self, run: Path, iteration: int, iterations: int) -> None:
        self._path = run / METRICS_FILE
        self._since = time.perf_counter()
        self._iterations = iterations
        self._sequences = self._frames = self._steps = 0
        drop_lines_after(self._path, iteration)

    def count(self, sequences: int, frames: int) -> None:
        """Count the sequences and frames of a step, over all processes."""
        self._sequences += sequences
        self._frames += frames
        self._steps += 1

    def write(self, iteration: int, learning_rate: float, terms: Mapping[str, Tensor]) -> dict[str, Any]:
        """Write the line of a step, with the speed since the last line.

        Args:
            iteration: iteration of the step.
            learning_rate: current learning rate.
            terms: values of the losses by name.

        Returns:
            Values of the line by key.
        """
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        line: dict[str, Any] = {"iteration": iteration, "learning_rate": learning_rate}
        line.update((name, round(value.item(), 6)) for name, value in terms.items())
        line["steps_per_second"] = round(self._steps / seconds, 3)
        line["sequences_per_second"] = round(self._sequences / seconds, 1)
        line["frames_per_second"] = round(self._frames / seconds, 1)
        line["seconds_left"] = round((self._iterations - iteration) * seconds / max(self._steps, 1))
        self._sequences = self._frames = self._steps = 0
        if is_main():
            append_line(self._path, json.dumps(line))
            values = ", ".join(f"{name} {value:g}" for name, value in line.items() if name != "seconds_left")
            log.info("%s, %s left", values, timedelta(seconds=line["seconds_left"]))
        return line

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Exclude the time of the block, such as an evaluation, from the speed."""
        start = time.perf_counter()
        yield
        self._since += time.perf_counter() - start


def status_text(line: Mapping[str, Any]) -> str:
    """Return losses and accuracies of a line as a short text: "triplet 0.123, cross entropy 1.234, accuracy 56 %"."""
    parts = []
    for key, value in line.items():
        loss, _, name = key.rpartition("/")
        if name == "loss":
            parts.append(f"{loss.replace('_', ' ')} {value:.3f}")
        elif loss and name == "accuracy":
            parts.append(f"accuracy {100 * value:.0f} %")
    return ", ".join(parts)


def append_line(path: Path, line: str) -> None:
    """Append a line to a text file.

    Raises:
        DataError: if the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise write_error(path, error) from error


def drop_lines_after(path: Path, iteration: int) -> None:
    """Remove lines of later iterations, and damaged lines, of which a killed process leaves one at the end.

    Raises:
        DataError: if the file cannot be read or written.
    """
    if is_main() and path.is_file():
        lines = [json.dumps(line) for line in read_json_lines(path) if _iteration(line) <= iteration]
        write_text(path, "".join(f"{line}\n" for line in lines))


def _iteration(line: Mapping[str, Any]) -> float:
    """Return the iteration of a line; infinity if it has none."""
    iteration = line.get("iteration")
    return iteration if isinstance(iteration, int) else float("inf")
