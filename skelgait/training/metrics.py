"""What a training says of itself as it goes on: one JSON line for each logged step and each test."""

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

from skelgait.runtime.processes import is_main
from skelgait.storage.atomic import write_error, write_text

log = logging.getLogger(__name__)

METRICS_FILE = "metrics.jsonl"


class Metrics:
    """One JSON line for each logged step, in `metrics.jsonl`, and the same in the log.

    Args:
        run: the run's folder.
        iteration: steps taken before.
        iterations: steps to be taken in all.
    """

    def __init__(self, run: Path, iteration: int, iterations: int) -> None:
        self._path = run / METRICS_FILE
        self._since = time.perf_counter()
        self._iterations = iterations
        self._sequences = self._frames = self._steps = 0
        drop_lines_after(self._path, iteration)

    def count(self, sequences: int, frames: int) -> None:
        """Count what a step has consumed, over all processes."""
        self._sequences += sequences
        self._frames += frames
        self._steps += 1

    def write(self, iteration: int, learning_rate: float, terms: Mapping[str, Tensor]) -> dict[str, Any]:
        """Write a step's line, with the rates since the last one; returns what is written."""
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
            said = ", ".join(f"{name} {value:g}" for name, value in line.items() if name != "seconds_left")
            log.info("%s, %s left", said, timedelta(seconds=line["seconds_left"]))
        return line

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time that the block takes, as a test does: it is no training."""
        start = time.perf_counter()
        yield
        self._since += time.perf_counter() - start


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise write_error(path, error) from error


def drop_lines_after(path: Path, iteration: int) -> None:
    """Drop the lines of later iterations, from before an interruption, and one that a kill has cut off.

    Raises:
        DataError: the file cannot be written.
    """
    if is_main() and path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(path, "".join(line for line in lines if _iteration(line) <= iteration))


def _iteration(line: str) -> float:
    """The iteration of a line; infinite where the line is no whole one, as a kill leaves it."""
    try:
        return int(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
