"""Differences of a metric between evaluations, from paired bootstrap samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.evaluation.bootstrap import percentile_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Difference of an evaluation to the first one, over the common probes.

    Attributes:
        difference: difference of the metric, in [-1, 1]; None: undefined.
        interval: 95 % bootstrap interval of the difference.
        p: two-sided bootstrap p-value under the hypothesis of no difference.
    """

    difference: float | None
    interval: tuple[float, float] | None
    p: float | None


@dataclass(frozen=True)
class ComparedMetric:
    """Metric of several evaluations.

    Attributes:
        table: title of the table.
        group: name of the group.
        metric: name of the metric.
        n_probes: number of probes that all evaluations have in common.
        values: value of each evaluation over the common probes, in [0, 1].
        differences: difference of each evaluation to the first; one less than `values`.
    """

    table: str
    group: str
    metric: str
    n_probes: int
    values: tuple[float | None, ...]
    differences: tuple[Difference, ...]


def by_name(values: Sequence[object], names: Sequence[str]) -> str:
    """Return values with the name of their evaluation, for example "30 (run 1), 24 (run 2)"."""
    yes_no = {True: "yes", False: "no"}
    texts = [yes_no[value] if isinstance(value, bool) else str(value) for value in values]
    return ", ".join(f"{text} ({name})" for text, name in zip(texts, names, strict=True))


def format_difference(difference: float, samples: Floats) -> Difference:
    """Return the difference of a metric with its interval and p-value.

    Args:
        difference: difference of the metric; NaN: undefined.
        samples: (n,) difference in each bootstrap sample; NaN: undefined.
    """
    defined = samples[~np.isnan(samples)]
    if np.isnan(difference) or not len(defined):
        return Difference(None, None, None)
    # Add one to the count: a p-value from finitely many samples is never 0.
    tail = min((defined <= 0).sum(), (defined >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (len(defined) + 1))
    return Difference(difference, percentile_interval(defined), p)
