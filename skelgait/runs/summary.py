"""Summary of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from skelgait.checkpoints.best_checkpoint import BestEvaluation
from skelgait.display import Row, Tabular
from skelgait.runs.metrics import logged_metrics, number
from skelgait.runs.read import Run


@dataclass(frozen=True, repr=False)
class Summary(Tabular):
    """Summary of a training run; None for values that the run does not have.

    Attributes:
        run: name of the run.
        network: name of the network.
        identities: number of training identities.
        iteration: last logged step; without any, the newest checkpoint.
        iterations: last iteration of the training, from its settings.
        metrics: metrics of the losses at the last logged step, by name.
        steps_per_second: median over the logged steps.
        best: best evaluation during training.
        checkpoints: number of checkpoint files.
        started: start time, ISO 8601.
    """

    run: str
    network: str | None
    identities: int | None
    iteration: int | None
    iterations: int | None
    metrics: Mapping[str, float]
    steps_per_second: float | None
    best: BestEvaluation | None
    checkpoints: int
    started: str | None

    def headline(self) -> str:
        """Return run, network and iteration."""
        return f"{self.run}, {self.network}, iteration {self.iteration} of {self.iterations}"

    def rows(self) -> list[Row]:
        """Return one row with all values."""
        best: Row = {f"best_{name}": value for name, value in asdict(self.best).items()} if self.best else {}
        values = {name: value for name, value in vars(self).items() if name not in ("metrics", "best")}
        return [{**values, **self.metrics, **best}]


def summarize(run: Run) -> Summary:
    """Return the summary of a run."""
    last_step = run.metrics[-1] if run.metrics else {}
    data = run.facts.get("data")
    rates = [rate for step in run.metrics if (rate := number(step, "steps_per_second")) is not None]
    return Summary(
        run=run.name,
        network=_value(run.settings, "train.network.name", str),
        identities=_value(data, "identities", int),
        iteration=last_step.get("iteration", max(run.checkpoints, default=None)),
        iterations=_value(run.settings, "train.iterations", int),
        metrics=logged_metrics(last_step),
        steps_per_second=median(rates) if rates else None,
        best=run.scores.best(),
        checkpoints=len(run.checkpoints),
        started=_value(run.facts, "started", str),
    )


def _value(content: object, key: str, expected_type: type[Any]) -> Any:
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, expected_type) else None
