"""Comparison of evaluations by a paired bootstrap over their common probes, or over people in a verification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.display import Row, Tabular
from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.evaluation.averages import as_number, average_by_view, values_by_probe
from skelgait.evaluation.bootstrap import bootstrap_weights
from skelgait.evaluation.ranks import GroupRanks
from skelgait.reports.compare_rates import compare_rates
from skelgait.reports.differences import ComparedMetric, Difference, by_name, format_difference
from skelgait.reports.folder import RANKS, read_report
from skelgait.reports.ranks_file import StoredRanks, read_ranks
from skelgait.reports.rates_file import StoredRates
from skelgait.storage import Key

Floats = NDArray[np.float64]

_HINT = "evaluate all runs with the same settings"


@dataclass(frozen=True, repr=False)
class Comparison(Tabular):
    """Comparison of evaluations.

    Attributes:
        names: names of the evaluations.
        protocol: protocol of all evaluations.
        metrics: metrics that all evaluations have.
        notes: remarks, such as different galleries or settings.
    """

    names: tuple[str, ...]
    protocol: str
    metrics: tuple[ComparedMetric, ...]
    notes: tuple[str, ...]

    def headline(self) -> str:
        """Return the protocol and the names of the evaluations."""
        return f"{self.protocol}, {', '.join(self.names)}"

    def rows(self) -> list[Row]:
        """Return one row for each metric and evaluation; differences are to the first evaluation."""
        return [
            {
                "table": metric.table,
                "group": metric.group,
                "metric": metric.metric,
                "n_probes": metric.n_probes,
                "evaluation": name,
                "value": value,
                "difference": difference.difference,
                "low": difference.interval[0] if difference.interval else None,
                "high": difference.interval[1] if difference.interval else None,
                "p": difference.p,
            }
            for metric in self.metrics
            for name, value, difference in zip(
                self.names, metric.values, (Difference(None, None, None), *metric.differences), strict=True
            )
        ]


def compare_reports(
    folders: Sequence[PathLike], names: Sequence[str] | None = None, bootstrap_samples: int = 1000
) -> Comparison:
    """Compare evaluation reports with the first one.

    The bootstrap is paired: each sample has the same probes for all evaluations, or the same people in a verification.

    Args:
        folders: report folders, at least two.
        names: names of the evaluations; default: the folders.
        bootstrap_samples: number of bootstrap samples.

    Raises:
        DataError: if a report is missing or damaged.
        SettingsError: if there are fewer than two, or they have no protocol or no group of probes in common.
    """
    if len(folders) < 2:
        raise SettingsError("RUN", f"{len(folders)} run(s)", "at least two", "name the runs to compare")
    names = [str(folder) for folder in folders] if names is None else names
    paths = [Path(folder) for folder in folders]
    reports = [read_report(path) for path in paths]
    protocols = [report["protocol"] for report in reports]
    if len(set(protocols)) > 1:
        raise SettingsError("RUN", f"protocols {by_name(protocols, names)}", "one protocol", _HINT)
    stored = [{(g.table.title, g.group): g for g in read_ranks(path / RANKS)} for path in paths]
    notes, metrics = _setting_notes(names, reports), []
    for group in stored[0]:
        if all(group in groups for groups in stored):
            evaluations = [groups[group] for groups in stored]
            group_metrics, group_notes = _compare_group(evaluations, names, bootstrap_samples)
            metrics += group_metrics
            notes += group_notes
    if not metrics:
        lists = [", ".join(sorted({group for _, group in groups})) for groups in stored]
        found = f"no common probes ({'; '.join(f'{n}: {groups}' for n, groups in zip(names, lists, strict=True))})"
        if not all(stored):
            found = "an open set, which has no ranks"
        if notes:
            found += f" ({notes[0]})"
        raise SettingsError("RUN", found, "at least one group with common probes", _HINT)
    return Comparison(tuple(names), protocols[0], tuple(metrics), tuple(dict.fromkeys(notes)))


def _setting_notes(names: Sequence[str], reports: Sequence[dict[str, object]]) -> list[str]:
    """Return a note for each setting in which the evaluations differ."""
    notes = []
    for setting, label in (("distance", "distance"), ("embedding", "embedding"), ("reranked", "re-ranking")):
        values = [report.get(setting) for report in reports]
        if len(set(map(str, values))) > 1:
            notes.append(f"different settings: {label} {by_name(values, names)}")
    return notes


def _compare_group(
    stored: Sequence[StoredRanks | StoredRates], names: Sequence[str], bootstrap_samples: int
) -> tuple[list[ComparedMetric], list[str]]:
    ranks = [evaluation for evaluation in stored if isinstance(evaluation, StoredRanks)]
    rates = [evaluation for evaluation in stored if isinstance(evaluation, StoredRates)]
    if ranks and rates:
        raise DataError(ranks[0].table.title, "ranks and a verification", "the same in all evaluations", _HINT)
    return compare_rates(rates, names, bootstrap_samples) if rates else _compare_ranks(ranks, names, bootstrap_samples)


def _compare_ranks(
    stored: Sequence[StoredRanks], names: Sequence[str], bootstrap_samples: int
) -> tuple[list[ComparedMetric], list[str]]:
    table, group = stored[0].table, stored[0].group
    title = f"{table.title}, {group}"
    common = set(stored[0].probes).intersection(*(evaluation.probes for evaluation in stored[1:]))
    n_excluded = [len(evaluation.probes) - len(common) for evaluation in stored]
    notes = [
        f"{title}: {n} probes of {name} are excluded, because not all evaluations have them"
        for name, n in zip(names, n_excluded, strict=True)
        if n
    ]
    gallery_sizes = [evaluation.n_gallery for evaluation in stored]
    if len(set(gallery_sizes)) > 1:
        notes.append(f"{title}: different galleries, with {by_name(gallery_sizes, names)} entries")
    if not common:
        return [], notes
    ranks = [_select_probes(evaluation, common) for evaluation in stored]
    rules = {(e.table.kind, e.table.metrics, e.table.unmatched_are_wrong) for e in stored}
    if len(rules) > 1 or len({group_ranks.first.shape for group_ranks in ranks}) > 1:
        found = "tables with different rules" if len(rules) > 1 else "galleries of different views"
        raise DataError(title, found, "the same in all evaluations", _HINT)
    metrics = []
    for metric in table.metrics:
        values = [values_by_probe(group_ranks, metric, table) for group_ranks in ranks]
        overall = [float(average_by_view(probe_values, ranks[0].probe_views, table).overall) for probe_values in values]
        samples = _samples(values, ranks[0].probe_views, table, bootstrap_samples)
        differences = tuple(
            format_difference(overall[i] - overall[0], samples[i] - samples[0]) for i in range(1, len(overall))
        )
        metrics.append(
            ComparedMetric(table.title, group, metric, len(common), tuple(map(as_number, overall)), differences)
        )
    return metrics, notes


def _select_probes(stored: StoredRanks, keys: set[Key]) -> GroupRanks:
    """Return the ranks of some probes, sorted by key."""
    order = sorted(range(len(stored.probes)), key=stored.probes.__getitem__)
    rows = np.array([i for i in order if stored.probes[i] in keys], np.int64)
    r = stored.ranks
    return GroupRanks(r.members, r.probe_views[rows], r.gallery_views, r.first[rows], r.ap[rows], r.inp[rows])


def _samples(
    values: Sequence[Floats], probe_views: NDArray[np.int64], table: Table, bootstrap_samples: int
) -> list[Floats]:
    """Return (bootstrap_samples,) values of the metric for each evaluation, over the same samples of probes."""
    chunks: list[list[Floats]] = [[] for _ in values]
    for weights in bootstrap_weights(len(probe_views), bootstrap_samples):
        for probe_values, evaluation_chunks in zip(values, chunks, strict=True):
            evaluation_chunks.append(average_by_view(probe_values, probe_views, table, weights).overall)
    return [np.concatenate(evaluation_chunks) for evaluation_chunks in chunks]
