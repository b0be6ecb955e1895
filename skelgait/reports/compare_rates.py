"""Comparison of verifications by a paired bootstrap over people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skelgait.evaluation.averages import as_number
from skelgait.evaluation.verification import rate_value, samples_of_rates
from skelgait.reports.differences import ComparedMetric, by_name, format_difference
from skelgait.reports.rates_file import StoredRates


def compare_rates(
    stored: Sequence[StoredRates], names: Sequence[str], bootstrap_samples: int
) -> tuple[list[ComparedMetric], list[str]]:
    """Compare the verifications of one group with the first one.

    Each bootstrap sample has the same people for all evaluations.

    Args:
        stored: numbers of pairs of the evaluations.
        names: names of the evaluations.
        bootstrap_samples: number of bootstrap samples.

    Returns:
        Compared metrics, and notes. If the evaluations are not of the same people, there is no metric.
    """
    first = stored[0]
    title = f"{first.table.title}, {first.group}"
    if any(evaluation.people != first.people for evaluation in stored):
        counts = by_name([len(evaluation.people) for evaluation in stored], names)
        return [], [f"{title}: not compared, because the people differ: {counts}"]
    pairs = [evaluation.counts.all_pairs.rates() for evaluation in stored]
    notes = [
        f"{title}: different numbers of {label} pairs, {by_name(numbers, names)}"
        for label, numbers in (
            ("genuine", [rates.n_genuine for rates in pairs]),
            ("impostor", [rates.n_impostor for rates in pairs]),
        )
        if len(set(numbers)) > 1
    ]
    metrics = [name for name in first.table.metrics if all(name in e.table.metrics for e in stored)]
    samples = [samples_of_rates(evaluation.counts, metrics, bootstrap_samples) for evaluation in stored]
    compared = []
    for metric in metrics:
        values = [rate_value(rates, metric) for rates in pairs]
        overall = [np.nan if value is None else value for value in values]
        differences = tuple(
            format_difference(overall[i] - overall[0], samples[i][metric] - samples[0][metric])
            for i in range(1, len(overall))
        )
        compared.append(
            ComparedMetric(
                first.table.title, first.group, metric, first.n_probes, tuple(map(as_number, overall)), differences
            )
        )
    return compared, notes
