"""Averages of a metric: over probes, then over gallery views, then over probe views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.errors import SettingsError
from skelgait.evaluation.ranks import GroupRanks
from skelgait.matching.metrics import find_metric

Floats = NDArray[np.float64]


def values_by_probe(ranks: GroupRanks, metric: str, table: Table) -> Floats:
    """Return the value of each probe in each gallery view (P, V); NaN: it does not count.

    Args:
        ranks: ranks of the probes.
        metric: name of the metric.
        table: rules of the table.

    Raises:
        SettingsError: if it is not a metric of ranks.
    """
    record = find_metric(metric)
    if record.from_ranks is None:
        raise SettingsError("metrics", metric, "a metric of recognition", "use it in a table of kind verification")
    values = np.array(record.from_ranks(ranks.ranks), np.float64)
    counts_unmatched = table.unmatched_are_wrong and record.unmatched_value is not None
    values[ranks.first == 0] = record.unmatched_value if counts_unmatched else np.nan
    values[ranks.first < 0] = np.nan
    return values


@dataclass(frozen=True, eq=False)
class ViewMeans:
    """Means of a metric by view.

    Attributes:
        probe_views: (A,) probe views, see `GroupRanks`.
        means: (..., A, V) mean over the probes of each view, in each gallery view; NaN: no probe counts.
    """

    probe_views: NDArray[np.int64]
    means: Floats

    @property
    def by_probe_view(self) -> Floats:
        """Means over gallery views (..., A)."""
        return _mean(self.means)

    @property
    def overall(self) -> Floats:
        """Mean over probe views of the means over gallery views (...)."""
        return _mean(self.by_probe_view)


def average_by_view(
    values: Floats, probe_views: NDArray[np.int64], table: Table, weights: Floats | None = None
) -> ViewMeans:
    """Return the means of a metric over the probes of each view.

    Args:
        values: (P, V) values of the probes, see `values_by_probe`.
        probe_views: (P,) view of each probe.
        table: rules of the table.
        weights: (B, P) weight of each probe in each of B bootstrap samples; default: 1.
    """
    distinct = np.unique(probe_views)
    known_values, is_counted = np.nan_to_num(values), (~np.isnan(values)).astype(np.float64)
    shape = (len(distinct), values.shape[1]) if weights is None else (len(weights), len(distinct), values.shape[1])
    means = np.full(shape, np.nan)
    for index, view in enumerate(distinct):
        rows = np.flatnonzero(probe_views == view)
        weight = np.ones(len(rows)) if weights is None else weights[:, rows]
        total, count = weight @ known_values[rows], weight @ is_counted[rows]
        with np.errstate(invalid="ignore"):
            # Like OpenGait: each view pair is a percentage with two decimals before the mean over pairs.
            means[..., index, :] = total / count if table.kind == "pooled" else (100 * total / count).round(2) / 100
    return ViewMeans(distinct, means)


def cmc_curve(ranks: GroupRanks, table: Table, n: int) -> list[float | None]:
    """Return the cumulative matching characteristic (CMC): rank-1 to rank-n, without rounding; None: no probe counts.

    Args:
        ranks: ranks of the probes.
        table: rules of the table.
        n: length of the curve.
    """
    is_counted = ~np.isnan(values_by_probe(ranks, "rank_1", table))
    distinct, view_of = np.unique(ranks.probe_views, return_inverse=True)
    n_probes = np.zeros((len(distinct), is_counted.shape[1]))
    np.add.at(n_probes, view_of, is_counted)
    n_galleries = (n_probes > 0).sum(1)
    if not n_galleries.any():
        return [None] * n
    # Weight of one hit in the mean over probe views of the means over gallery views of the means over probes.
    with np.errstate(divide="ignore"):
        weights = 1 / (n_probes * n_galleries[:, None] * (n_galleries > 0).sum())
    first = ranks.first[is_counted]
    hits = np.bincount(np.clip(first, 0, n + 1), weights[view_of][is_counted], minlength=n + 2)
    return [float(share) for share in np.cumsum(hits[1 : n + 1])]


def as_number(value: Floats | float) -> float | None:
    """Return a value as a float; None for NaN."""
    return None if np.isnan(value) else float(value)


def _mean(values: Floats) -> Floats:
    """Return the mean over the last axis without NaN; NaN if nothing is left."""
    is_known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(values).sum(-1) / is_known.sum(-1))
