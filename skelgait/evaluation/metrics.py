"""From ranks to metrics: means over probes, then over view pairs, as a table says; for resampled probes as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.evaluation.ranks import GroupRanks

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
"""Share of bootstrap_samples inside an interval."""

# Resamples whose weights are held at a time.
_AT_A_TIME = 50


def values_of(ranks: GroupRanks, metric: str, table: Table) -> Floats:
    """(P, V) what each probe contributes to a metric in each cell, in [0, 1]; NaN where it does not count."""
    if metric == "mean_ap":
        return ranks.ap.astype(np.float64)
    if metric == "mean_inp":
        return ranks.inp.astype(np.float64)
    k = int(metric.removeprefix("rank_"))
    hits = ((ranks.first >= 1) & (ranks.first <= k)).astype(np.float64)
    hits[ranks.first < (0 if table.unmatched_are_wrong else 1)] = np.nan
    return hits


@dataclass(frozen=True, eq=False)
class Cells:
    """The means of a metric.

    Attributes:
        strata: (A,) the parts of the probes, see `GroupRanks`.
        means: (..., A, V) of the probes of each part in each cell; NaN where none counts.
    """

    strata: NDArray[np.int64]
    means: Floats

    @property
    def by_stratum(self) -> Floats:
        """(..., A) the mean over cells."""
        return _mean(self.means)

    @property
    def overall(self) -> Floats:
        """(...) the mean over strata of the mean over cells."""
        return _mean(self.by_stratum)


def cells_of(values: Floats, strata: NDArray[np.int64], table: Table, weights: Floats | None = None) -> Cells:
    """The means of a metric over probes.

    Args:
        values: (P, V), see `values_of`.
        strata: (P,) the part of the probes that each belongs to.
        table: the rules.
        weights: (B, P) how often each probe counts in each of B bootstrap_samples; once where None.
    """
    there = np.unique(strata)
    counts, is_counted = np.nan_to_num(values), (~np.isnan(values)).astype(np.float64)
    shape = (len(there), values.shape[1]) if weights is None else (len(weights), len(there), values.shape[1])
    means = np.full(shape, np.nan)
    for number, stratum in enumerate(there):
        own = np.flatnonzero(strata == stratum)
        weight = np.ones(len(own)) if weights is None else weights[:, own]
        total, n = weight @ counts[own], weight @ is_counted[own]
        with np.errstate(invalid="ignore"):
            # As the published metrics: every cell is a percentage of two decimals before the mean over cells.
            means[..., number, :] = total / n if table.kind == "pooled" else (100 * total / n).round(2) / 100
    return Cells(there, means)


def matching_curve(ranks: GroupRanks, table: Table, n: int) -> list[float | None]:
    """The cumulative matching characteristic: rank-1 to rank-n, without the rounding of cells; None where none is."""
    is_counted = ~np.isnan(values_of(ranks, "rank_1", table))
    strata, stratum = np.unique(ranks.strata, return_inverse=True)
    probes = np.zeros((len(strata), is_counted.shape[1]))
    np.add.at(probes, stratum, is_counted)
    cells = (probes > 0).sum(1)
    if not cells.any():
        return [None] * n
    # What a probe's hit in a cell adds to the mean over strata of the means over cells of the means over probes.
    with np.errstate(divide="ignore"):
        weights = 1 / (probes * cells[:, None] * (cells > 0).sum())
    first = ranks.first[is_counted]
    hits = np.bincount(np.clip(first, 0, n + 1), weights[stratum][is_counted], minlength=n + 2)
    return [float(share) for share in np.cumsum(hits[1 : n + 1])]


def resampled(n_probes: int, bootstrap_samples: int, seed: int = 0) -> Iterator[Floats]:
    """Yield (b, P) counts: how often each probe is drawn in each of b bootstrap samples of P probes.

    The same for the same number of probes, so that what is computed of two networks is paired.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, bootstrap_samples, _AT_A_TIME):
        some = min(_AT_A_TIME, bootstrap_samples - start)
        drawn = rng.integers(0, n_probes, (some, n_probes))
        yield np.stack([np.bincount(row, minlength=n_probes) for row in drawn]).astype(np.float64)


def interval(samples: Floats) -> tuple[float, float] | None:
    """The percentile interval of a metric's bootstrap_samples; None where none is defined."""
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def number(value: Floats | float) -> float | None:
    """A metric as reports have it; None where nothing counts."""
    return None if np.isnan(value) else float(value)


def _mean(values: Floats) -> Floats:
    """The mean over the last axis of what is no NaN; NaN where there is nothing."""
    is_there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(values).sum(-1) / is_there.sum(-1))
