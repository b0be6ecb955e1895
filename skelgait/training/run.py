"""The folder of a training run: settings, log, metrics, checkpoints."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from skelgait.runtime.processes import is_main
from skelgait.settings.training import TrainSettings
from skelgait.storage.atomic import unwritable, write_text

log = logging.getLogger(__name__)


def write_settings(run: Path, settings: TrainSettings) -> None:
    """Write down the settings of the run, in a form that `--settings` reads."""
    if is_main():
        write_text(run / "settings.yaml", yaml.safe_dump({"train": settings.model_dump(mode="json")}, sort_keys=False))


class Metrics:
    """One JSON line for each logged step, in `metrics.jsonl`, and the same in the log.

    Args:
        run: the run's folder.
        iteration: steps taken before; lines of later steps, from before an interruption, are dropped.
    """

    def __init__(self, run: Path, iteration: int) -> None:
        self._path = run / "metrics.jsonl"
        self._since = time.perf_counter()
        self._sequences = self._frames = self._steps = 0
        if is_main() and self._path.is_file():
            lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
            write_text(self._path, "".join(line for line in lines if _iteration(line) <= iteration))

    def count(self, sequences: int, frames: int) -> None:
        """Count what a step has consumed, over all processes."""
        self._sequences += sequences
        self._frames += frames
        self._steps += 1

    def write(self, iteration: int, learning_rate: float, terms: dict[str, Tensor]) -> dict[str, Any]:
        """Write a step's line, with the rates since the last one; returns what is written."""
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        line: dict[str, Any] = {"iteration": iteration, "learning_rate": learning_rate}
        line.update((name, round(value.item(), 6)) for name, value in terms.items())
        line["steps_per_second"] = round(self._steps / seconds, 3)
        line["sequences_per_second"] = round(self._sequences / seconds, 1)
        line["frames_per_second"] = round(self._frames / seconds, 1)
        self._sequences = self._frames = self._steps = 0
        if is_main():
            append_line(self._path, json.dumps(line))
            log.info(", ".join(f"{name} {value:g}" for name, value in line.items()))
        return line


def append_line(path: Path, line: str) -> None:
    """Add a line to a text file.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise unwritable(path, error) from error


def _iteration(line: str) -> float:
    """The iteration of a line of metrics; infinite where the line is no whole one, as a kill leaves it."""
    try:
        return int(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
