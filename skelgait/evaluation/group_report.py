"""Report of a group from its ranks or accept rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skelgait.datasets import Table
from skelgait.evaluation.averages import ViewMeans, as_number, average_by_view, cmc_curve, values_by_probe
from skelgait.evaluation.bootstrap import bootstrap_weights, percentile_interval
from skelgait.evaluation.evaluation_set import EvaluationSet, Indices
from skelgait.evaluation.open_set import (
    GroupSearches,
    enrollment_values,
    mean_or_none,
    open_set_metric,
    samples_of_searches,
)
from skelgait.evaluation.ranks import GroupRanks
from skelgait.evaluation.report import GroupReport, Metrics, OpenSet, Roc
from skelgait.evaluation.verification import GroupRates, rate_value, samples_of_rates
from skelgait.matching.metrics import find_metric
from skelgait.matching.open_set import OpenSetRates, curve_points
from skelgait.matching.verification import AcceptRates

CMC_RANKS = 50
NOT_ENROLLED, NO_MATCH_LEFT = "not enrolled", "enrolled, but without a match in every gallery compared"
"""Reasons for which a probe has no true match."""


def report_ranks(
    name: str, ranks: GroupRanks, table: Table, evaluation_set: EvaluationSet, bootstrap_samples: int
) -> GroupReport:
    """Return the report of a group from its ranks.

    Args:
        name: name of the group.
        ranks: ranks of its probes.
        table: rules of the table.
        evaluation_set: all sequences.
        bootstrap_samples: number of bootstrap samples; 0: no intervals.
    """
    means = {
        metric: average_by_view(values_by_probe(ranks, metric, table), ranks.probe_views, table)
        for metric in table.metrics
    }
    unmatched = _unmatched(ranks, evaluation_set)
    by_pair = table.kind == "view_pairs"
    return GroupReport(
        name=name,
        metrics={metric: as_number(mean.overall) for metric, mean in means.items()},
        n_probes=len(ranks.members.probes),
        n_gallery=len(ranks.members.gallery),
        smallest_gallery=ranks.smallest_gallery,
        n_unmatched=sum(unmatched.values()),
        unmatched=unmatched,
        excluded_pairs=ranks.excluded_pairs,
        intervals=_intervals(ranks, table, bootstrap_samples),
        by_view={} if table.kind == "pooled" else _by_view(means, evaluation_set),
        by_view_pair=_by_view_pair(means, ranks.gallery_views, evaluation_set) if by_pair else {},
        by_condition=_by_condition(ranks, table, evaluation_set),
        cmc=tuple(cmc_curve(ranks, table, CMC_RANKS)),
    )


def report_rates(name: str, group: GroupRates, table: Table, bootstrap_samples: int) -> GroupReport:
    """Return the report of a group from its accept rates.

    Args:
        name: name of the group.
        group: numbers of its pairs.
        table: rules of the table.
        bootstrap_samples: number of bootstrap samples; 0: no intervals.
    """
    rates = group.counts.all_pairs.rates()
    samples = samples_of_rates(group.counts, table.metrics, bootstrap_samples)
    return GroupReport(
        name=name,
        metrics={metric: rate_value(rates, metric) for metric in table.metrics},
        n_probes=len(group.members.probes),
        n_gallery=len(group.members.gallery),
        excluded_pairs=group.excluded_pairs,
        intervals=_percentile_intervals(samples),
        roc=_roc(rates),
    )


def report_searches(name: str, group: GroupSearches, table: Table, bootstrap_samples: int) -> GroupReport:
    """Return the report of a group from its searches.

    Args:
        name: name of the group.
        group: searches for its probes.
        table: rules of the table.
        bootstrap_samples: number of bootstrap samples; 0: no intervals.
    """
    rates = [searches.rates() for searches in group.enrollments]
    values = {name: enrollment_values(rates, open_set_metric(name)) for name in table.metrics}
    metrics = {name: mean_or_none(metric_values) for name, metric_values in values.items()}
    defined = [name for name, value in metrics.items() if value is not None]
    return GroupReport(
        name=name,
        metrics=metrics,
        n_probes=len(group.members.probes),
        n_gallery=len(group.members.gallery),
        excluded_pairs=group.excluded_pairs,
        intervals=_percentile_intervals(samples_of_searches(group, defined, bootstrap_samples)),
        open_set=_open_set(group, rates, values),
    )


def _open_set(
    group: GroupSearches, rates: Sequence[OpenSetRates], values: Mapping[str, Sequence[float | None]]
) -> OpenSet:
    n_mated, n_non_mated = ([getattr(of_one, name) for of_one in rates] for name in ("n_mated", "n_non_mated"))
    # Points evenly spaced on a logarithmic axis, and those of the metrics.
    metric_rates = [find_metric(name).max_false_accept_rate for name in values]
    # Without any search of one kind there is no curve.
    false_positive = curve_points(min(n_non_mated), metric_rates) if min(n_mated) else []
    return OpenSet(
        false_positive,
        [float(np.mean([of_one.false_negative_at(point) for of_one in rates])) for point in false_positive],
        [float(np.mean([of_one.detected_at(point) for of_one in rates])) for point in false_positive],
        group.n_people,
        group.n_enrolled,
        n_mated,
        n_non_mated,
        group.n_left_out,
        [{name: draws[i] for name, draws in values.items()} for i in range(len(rates))],
    )


def _roc(rates: AcceptRates) -> Roc:
    curve = rates.curve()
    n_points = len(curve.false) if rates.n_genuine and rates.n_impostor else 0
    false, true, thresholds = (values[:n_points].tolist() for values in (curve.false, curve.true, curve.thresholds))
    return Roc(false, true, thresholds, rates.n_genuine, rates.n_impostor)


def _unmatched(ranks: GroupRanks, evaluation_set: EvaluationSet) -> dict[str, int]:
    """Return the number of probes without a true match in some gallery they are compared with, by reason."""
    identities = evaluation_set.identities
    probes = ranks.members.probes[(ranks.first == 0).any(1)]
    is_enrolled = np.isin(identities[probes], identities[ranks.members.gallery])
    counts = {NOT_ENROLLED: int((~is_enrolled).sum()), NO_MATCH_LEFT: int(is_enrolled.sum())}
    return {reason: n for reason, n in counts.items() if n}


def _intervals(ranks: GroupRanks, table: Table, bootstrap_samples: int) -> dict[str, tuple[float, float]]:
    if not bootstrap_samples or not len(ranks.first):
        return {}
    values = {metric: values_by_probe(ranks, metric, table) for metric in table.metrics}
    samples: dict[str, list[np.ndarray]] = {metric: [] for metric in values}
    for weights in bootstrap_weights(len(ranks.first), bootstrap_samples):
        for metric, metric_values in values.items():
            samples[metric].append(average_by_view(metric_values, ranks.probe_views, table, weights).overall)
    return _percentile_intervals({metric: np.concatenate(chunks) for metric, chunks in samples.items()})


def _percentile_intervals(samples: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float]]:
    intervals = {metric: percentile_interval(values) for metric, values in samples.items()}
    return {metric: bounds for metric, bounds in intervals.items() if bounds}


def _by_view(means: Mapping[str, ViewMeans], evaluation_set: EvaluationSet) -> dict[str, Metrics]:
    probe_views = next(iter(means.values())).probe_views
    return {
        evaluation_set.view_names[view]: {metric: as_number(mean.by_probe_view[i]) for metric, mean in means.items()}
        for i, view in enumerate(probe_views)
    }


def _by_view_pair(
    means: Mapping[str, ViewMeans], gallery_views: Indices, evaluation_set: EvaluationSet
) -> dict[str, dict[str, Metrics]]:
    probe_views, names = next(iter(means.values())).probe_views, evaluation_set.view_names
    return {
        names[probe_view]: {
            names[gallery_view]: {metric: as_number(mean.means[i, j]) for metric, mean in means.items()}
            for j, gallery_view in enumerate(gallery_views)
        }
        for i, probe_view in enumerate(probe_views)
    }


def _by_condition(ranks: GroupRanks, table: Table, evaluation_set: EvaluationSet) -> dict[str, Metrics]:
    conditions = np.array([evaluation_set.keys[probe].condition for probe in ranks.members.probes], dtype=str)
    values = {metric: values_by_probe(ranks, metric, table) for metric in table.metrics}
    by_condition: dict[str, Metrics] = {}
    for condition in np.unique(conditions):
        rows = conditions == condition
        by_condition[str(condition)] = {
            metric: as_number(average_by_view(metric_values[rows], ranks.probe_views[rows], table).overall)
            for metric, metric_values in values.items()
        }
    return by_condition
