"""Run folders with made-up curves."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import yaml


def evaluation(iteration: int, *rank_1: float | None) -> dict[str, Any]:
    """Return a line of `tests.jsonl`: one group per rank-1; the score ignores the second table."""
    groups = [{"name": str(i), "metrics": {"rank_1": value, "mean_ap": 0.9}} for i, value in enumerate(rank_1)]
    other = [{"name": "0", "metrics": {"rank_1": 1.0}}]
    tables = [{"title": "first", "groups": groups}, {"title": "second", "groups": other}]
    return {"iteration": iteration, "protocol": "CCPG", "tables": tables}


def steps(count: int, seed: int = 0) -> list[dict[str, float]]:
    """Return noisy lines of `metrics.jsonl`, one every 10 iterations."""
    rng = random.Random(seed)
    return [
        {
            "iteration": 10 * i, "learning_rate": 0.1, "triplet/loss": 0.3 / i + rng.random() / 10,
            "triplet/active_share": 1 / i, "cross_entropy/loss": 5 / i + rng.random(),
            "cross_entropy/accuracy": 1 - 1 / i, "steps_per_second": 2 + rng.random(),
        }
        for i in range(1, count + 1)
    ]  # fmt: skip


def write_lines(path: Path, lines: list[Any], cut: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + cut)


def write_run(
    run: Path, settings: dict[str, Any] | None = None, points: int = 0, tests: list[Any] | None = None
) -> None:
    run.mkdir()
    (run / "settings.yaml").write_text(yaml.safe_dump({"train": settings or {"iterations": 60000, "seed": 0}}))
    if points:
        write_lines(run / "metrics.jsonl", steps(points))
    if tests:
        write_lines(run / "tests.jsonl", tests)
