"""Open-set identification: searches for probes among random parts of the people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.errors import SettingsError
from skelgait.evaluation.bootstrap import bootstrap_weights
from skelgait.evaluation.evaluation_set import EvaluationSet, Indices, Members
from skelgait.evaluation.ranks import ExclusionRule
from skelgait.matching.metrics import Metric, find_metric
from skelgait.matching.open_set import OpenSetRates, SearchAccumulator, Searches
from skelgait.matching.ranking import Gallery, true_matches


@dataclass(frozen=True, eq=False)
class GroupSearches:
    """Searches for the probes of a group.

    Attributes:
        members: probes and gallery.
        enrollments: searches in each random enrollment.
        n_people: number of people in the gallery.
        n_enrolled: number of them who are enrolled each time.
        n_left_out: number of probes whose person is in the gallery, but without an entry to compare with. They are left
            out when their person is enrolled.
        excluded_pairs: number of excluded genuine pairs, by reason.
    """

    members: Members
    enrollments: list[Searches]
    n_people: int
    n_enrolled: int
    n_left_out: int
    excluded_pairs: dict[str, int] = field(default_factory=dict)


class OpenSetAccumulator:
    """Accumulator of the nearest people of a group's probes, block by block.

    Args:
        evaluation_set: all sequences.
        table: rules of the table.
        members: probes and gallery.
    """

    def __init__(self, evaluation_set: EvaluationSet, table: Table, members: Members) -> None:
        self._members = members
        self._rule = ExclusionRule(evaluation_set, table, members)
        self._identities = evaluation_set.identities[members.probes]
        self._gallery = Gallery(evaluation_set.identities[members.gallery])
        enrollable, column_people = np.unique(self._gallery.identities, return_inverse=True)
        people = np.searchsorted(enrollable, self._identities)
        people[~np.isin(self._identities, enrollable)] = -1
        self._people = people.astype(np.int64)
        self._enrolled = draw_enrolled(len(enrollable), table.not_enrolled, table.draws)
        self._searches = SearchAccumulator(self._people, column_people.astype(np.int64), self._enrolled)

    def add(self, start: int, distances: NDArray[np.float32]) -> None:
        """Search for the probes from index `start` on by their distances (n, G) to the gallery."""
        rows, columns = true_matches(self._identities[start : start + len(distances)], self._gallery)
        is_excluded = self._rule.of_block(start)(rows, columns)
        excluded = rows[is_excluded], columns[is_excluded]
        # Other tables may use the same block, so that it is restored.
        values = distances[excluded]
        distances[excluded] = np.inf
        self._searches.add(start, 0, distances)
        distances[excluded] = values

    def result(self) -> GroupSearches:
        """Return the searches, after all probes have been added."""
        nearest, has_mate = self._searches.result(), self._people >= 0
        probe_people = np.unique(self._identities, return_inverse=True)[1].astype(np.int64)
        is_left_out = has_mate & np.isinf(nearest.mates)
        enrollments = []
        for draw, enrolled in enumerate(self._enrolled):
            is_mated = has_mate & np.append(enrolled, False)[self._people]
            distances = np.where(is_mated, nearest.mates, nearest.others[:, draw])
            counted = np.isfinite(distances)
            is_first = nearest.is_first[:, draw]
            enrollments.append(
                Searches(distances[counted], is_mated[counted], is_first[counted], probe_people[counted])
            )
        return GroupSearches(
            self._members,
            enrollments,
            self._enrolled.shape[1],
            int(self._enrolled[0].sum()),
            int(is_left_out.sum()),
            self._rule.counts(),
        )


def draw_enrolled(n_people: int, not_enrolled: float, draws: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return (draws, n_people): True for the people who are enrolled in each draw.

    Args:
        n_people: number of people.
        not_enrolled: share of them who are not enrolled, in (0, 1); rounded so that both parts have a person.
        draws: number of draws.
        seed: seed of the random generator; default: 0.
    """
    n_left = min(max(round(not_enrolled * n_people), 1), max(n_people - 1, 0))
    rng = np.random.default_rng(seed)
    enrolled = np.ones((draws, n_people), dtype=bool)
    for row in enrolled:
        row[rng.permutation(n_people)[:n_left]] = False
    return enrolled


def open_set_metric(name: str) -> Metric:
    """Return a metric of open-set identification.

    Raises:
        SettingsError: if it is not one.
    """
    metric = find_metric(name)
    if metric.from_open_set is None:
        raise SettingsError("metrics", name, "a metric of an open set", "use fnir_at_fpir_0.01 or dir_at_fpir_0.01")
    return metric


def enrollment_values(rates: Sequence[OpenSetRates], metric: Metric) -> list[float | None]:
    """Return the value of a metric in each enrollment; None if there are too few searches for it."""
    return [
        metric.from_open_set(enrollment) if metric.from_open_set and _is_defined(enrollment, metric) else None
        for enrollment in rates
    ]


def _is_defined(rates: OpenSetRates, metric: Metric) -> bool:
    # A rate below that of one search is not measured.
    return bool(rates.n_mated) and rates.n_non_mated >= searches_needed(metric)


def searches_needed(metric: Metric) -> int:
    """Return the number of non-mated searches at which the metric's false positive rate is one search."""
    return int(np.ceil(round(1 / metric.max_false_accept_rate, 6)))


def mean_or_none(values: Sequence[float | None]) -> float | None:
    """Return the mean over the enrollments; None if a value is missing."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined and len(defined) == len(values) else None


def samples_of_searches(
    group: GroupSearches, metrics: Sequence[str], bootstrap_samples: int
) -> dict[str, NDArray[np.float64]]:
    """Return the values (bootstrap_samples,) of each metric over samples of people and enrollments; NaN: undefined.

    A sample draws the people of the probes, each with all searches, as searches of one person are not independent. It
    draws enrollments as well, so that an interval covers both whom the probes show and who is enrolled.

    Args:
        group: searches.
        metrics: names of metrics.
        bootstrap_samples: number of bootstrap samples.
    """
    n_people = max(searches.n_people for searches in group.enrollments)
    rng = np.random.default_rng(1)
    records = [open_set_metric(name) for name in metrics]
    values: list[list[float]] = [[] for _ in metrics]
    for weights in bootstrap_weights(n_people, bootstrap_samples) if n_people else ():
        for weight in weights:
            rates = [searches.rates(weight) for searches in group.enrollments]
            drawn = rng.integers(0, len(rates), len(rates))
            for record, metric_values in zip(records, values, strict=True):
                metric_values.append(_mean_of_sample(rates, drawn, record))
    return {name: np.array(metric_values) for name, metric_values in zip(metrics, values, strict=True)}


def _mean_of_sample(rates: Sequence[OpenSetRates], drawn: Indices, metric: Metric) -> float:
    defined = [
        metric.from_open_set(rates[draw])
        for draw in drawn
        if metric.from_open_set and rates[draw].n_mated and rates[draw].n_non_mated
    ]
    return float(np.mean(defined)) if defined else np.nan
