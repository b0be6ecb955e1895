"""What a run came to, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any

from skelgait.checkpoints.best_checkpoint import Best, best_of
from skelgait.runs.read import Run


@dataclass(frozen=True)
class Summary:
    """A run in a line; None where the run does not say.

    Attributes:
        run: its name.
        network: the network trained.
        identities: identities trained on.
        iteration: the last logged step, or the newest checkpoint where none is logged.
        iterations: where training is to end.
        triplet_loss: at the last logged step.
        cross_entropy: at the last logged step, in nats.
        accuracy: share of the batch that is classified right, in [0, 1], at the last logged step.
        active_share: share of triplets that still have a loss, in [0, 1], at the last logged step.
        steps_per_second: median over the logged steps.
        best: the best test while training.
        checkpoints: how many are there.
        started: ISO time of the start.
    """

    run: str
    network: str | None
    identities: int | None
    iteration: int | None
    iterations: int | None
    triplet_loss: float | None
    cross_entropy: float | None
    accuracy: float | None
    active_share: float | None
    steps_per_second: float | None
    best: Best | None
    checkpoints: int
    started: str | None


def summarize(run: Run) -> Summary:
    """A run in a line."""
    last = run.metrics[-1] if run.metrics else {}
    data = run.facts.get("data")
    rates = [rate for step in run.metrics if (rate := number(step, "steps_per_second")) is not None]
    return Summary(
        run=run.name,
        network=_of_type(run.settings, "train.network.name", str),
        identities=_of_type(data, "identities", int),
        iteration=last.get("iteration", max(run.checkpoints, default=None)),
        iterations=_of_type(run.settings, "train.iterations", int),
        triplet_loss=number(last, "triplet/loss"),
        cross_entropy=number(last, "cross_entropy/loss"),
        accuracy=number(last, "cross_entropy/accuracy"),
        active_share=number(last, "triplet/active_share"),
        steps_per_second=median(rates) if rates else None,
        best=best_of(run.scores),
        checkpoints=len(run.checkpoints),
        started=_of_type(run.facts, "started", str),
    )


def number(step: Mapping[str, Any], name: str) -> float | None:
    """A metric of a logged step; None where there is none, or one that is not finite."""
    value = step.get(name)
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _of_type(content: object, key: str, wanted: type[Any]) -> Any:
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, wanted) else None
