"""From the ranks or rates of a group to its report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skelgait.datasets import Table
from skelgait.evaluation.metrics import Cells, cells_of, interval, matching_curve, number, resampled, values_of
from skelgait.evaluation.ranks import GroupRanks
from skelgait.evaluation.report import GroupReport, Metrics, Roc
from skelgait.evaluation.test_sequences import Indices, TestSet
from skelgait.evaluation.verification import GroupRates, metric_of

CMC_RANKS = 50
_ROC_POINTS = 200
NOT_ENROLLED, NONE_LEFT = "not enrolled", "enrolled, but not left in every gallery compared"
"""Why a probe has no true match."""


def report_ranks(name: str, ranks: GroupRanks, table: Table, test_set: TestSet, bootstrap_samples: int) -> GroupReport:
    """The report of a group whose probes were ranked.

    Args:
        name: the group's name.
        ranks: its ranks.
        table: the rules.
        test_set: all sequences.
        bootstrap_samples: draws of probes for the intervals; no intervals where 0.
    """
    cells: dict[str, Cells] = {
        metric: cells_of(values_of(ranks, metric, table), ranks.strata, table) for metric in table.metrics
    }
    unmatched = _unmatched(ranks, test_set)
    return GroupReport(
        name=name,
        metrics={metric: number(of.overall) for metric, of in cells.items()},
        n_probes=len(ranks.members.probes),
        n_gallery=len(ranks.members.gallery),
        smallest_gallery=ranks.smallest_gallery,
        n_unmatched=sum(unmatched.values()),
        unmatched=unmatched,
        left_out=ranks.left_out,
        intervals=_intervals(ranks, table, bootstrap_samples),
        by_view={} if table.kind == "pooled" else _by_view(cells, test_set),
        by_view_pair=_by_view_pair(cells, ranks.cells, test_set) if table.kind == "view_pairs" else {},
        by_condition=_by_condition(ranks, table, test_set),
        cmc=tuple(matching_curve(ranks, table, CMC_RANKS)),
    )


def report_rates(name: str, group: GroupRates, table: Table) -> GroupReport:
    """The report of a group whose pairs were verified."""
    rates = group.rates
    # Evenly spaced in the logarithm of false accepts, as the curve is looked at.
    wanted = np.geomspace(1 / max(rates.n_impostor, 2), 1, _ROC_POINTS)
    places = np.unique(np.minimum(np.searchsorted(rates.false, wanted), max(len(rates.false) - 1, 0)))
    if not len(rates.false):
        places = places[:0]
    return GroupReport(
        name=name,
        metrics={metric: metric_of(rates, metric) for metric in table.metrics},
        n_probes=len(group.members.probes),
        n_gallery=len(group.members.gallery),
        left_out=group.left_out,
        roc=Roc(
            rates.false[places].tolist(),
            rates.true[places].tolist(),
            rates.thresholds[places].tolist(),
            rates.n_genuine,
            rates.n_impostor,
        ),
    )


def _unmatched(ranks: GroupRanks, test_set: TestSet) -> dict[str, int]:
    """Probes without a true match in some gallery that they were compared with, by reason."""
    probes = ranks.members.probes[(ranks.first == 0).any(1)]
    are_enrolled = np.isin(test_set.identities[probes], test_set.identities[ranks.members.gallery])
    counts = {NOT_ENROLLED: int((~are_enrolled).sum()), NONE_LEFT: int(are_enrolled.sum())}
    return {reason: n for reason, n in counts.items() if n}


def _intervals(ranks: GroupRanks, table: Table, bootstrap_samples: int) -> dict[str, tuple[float, float]]:
    if not bootstrap_samples or not len(ranks.first):
        return {}
    values = {metric: values_of(ranks, metric, table) for metric in table.metrics}
    samples: dict[str, list[np.ndarray]] = {metric: [] for metric in values}
    for weights in resampled(len(ranks.first), bootstrap_samples):
        for metric, own in values.items():
            samples[metric].append(cells_of(own, ranks.strata, table, weights).overall)
    found = {metric: interval(np.concatenate(parts)) for metric, parts in samples.items()}
    return {metric: bounds for metric, bounds in found.items() if bounds}


def _by_view(cells: Mapping[str, Cells], test_set: TestSet) -> dict[str, Metrics]:
    strata = next(iter(cells.values())).strata
    return {
        test_set.view_names[view]: {metric: number(of.by_stratum[i]) for metric, of in cells.items()}
        for i, view in enumerate(strata)
    }


def _by_view_pair(cells: Mapping[str, Cells], views: Indices, test_set: TestSet) -> dict[str, dict[str, Metrics]]:
    strata, names = next(iter(cells.values())).strata, test_set.view_names
    return {
        names[view]: {
            names[other]: {metric: number(of.means[i, j]) for metric, of in cells.items()}
            for j, other in enumerate(views)
        }
        for i, view in enumerate(strata)
    }


def _by_condition(ranks: GroupRanks, table: Table, test_set: TestSet) -> dict[str, Metrics]:
    conditions = np.array([test_set.keys[probe].condition for probe in ranks.members.probes], dtype=str)
    found: dict[str, Metrics] = {}
    for condition in np.unique(conditions):
        own = conditions == condition
        values = {metric: values_of(ranks, metric, table)[own] for metric in table.metrics}
        found[str(condition)] = {
            metric: number(cells_of(some, ranks.strata[own], table).overall) for metric, some in values.items()
        }
    return found
