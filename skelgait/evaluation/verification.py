"""Verification: accept rates over all pairs of a probe and a gallery entry."""

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
from skelgait.matching.metrics import find_metric
from skelgait.matching.pair_counts import PairCounter, PairCounts
from skelgait.matching.ranking import Gallery, true_matches
from skelgait.matching.verification import AcceptRates

# More people are put into this many groups of equal size, which are drawn instead of people.
_MAX_GROUPS = 128


@dataclass(frozen=True, eq=False)
class GroupRates:
    """Accept rates of the pairs of a group.

    Attributes:
        members: probes and gallery.
        counts: numbers of pairs by distance and by group of people.
        people: identities of the probes and the gallery, sorted.
        excluded_pairs: number of excluded genuine pairs, by reason.
    """

    members: Members
    counts: PairCounts
    people: list[str]
    excluded_pairs: dict[str, int] = field(default_factory=dict)


class VerificationAccumulator:
    """Accumulator of the distances of a group's pairs, block by block.

    Args:
        evaluation_set: all sequences.
        table: rules of the table.
        members: probes and gallery.
    """

    def __init__(self, evaluation_set: EvaluationSet, table: Table, members: Members) -> None:
        self._set = evaluation_set
        self._members = members
        self._rule = ExclusionRule(evaluation_set, table, members)
        self._gallery = Gallery(evaluation_set.identities[members.gallery])
        self._people = np.unique(evaluation_set.identities[np.concatenate([members.probes, members.gallery])])
        self._counter = PairCounter(assign_groups(self._people))

    def add(self, start: int, distances: NDArray[np.float32]) -> None:
        """Count the pairs of the probes from index `start` on, by their distances (n, G) to the gallery."""
        identities = self._set.identities[self._members.probes[start : start + len(distances)]]
        self._counter.add_impostors(distances, identities, self._gallery.identities)
        rows, columns = true_matches(identities, self._gallery)
        is_kept = ~self._rule.of_block(start)(rows, columns)
        self._counter.add_genuine(distances[rows[is_kept], columns[is_kept]], identities[rows[is_kept]])

    def result(self) -> GroupRates:
        """Return the rates, after all probes have been added."""
        people = [self._set.identity_names[identity] for identity in self._people]
        return GroupRates(self._members, self._counter.counts(), people, self._rule.counts())


def assign_groups(people: Indices) -> Indices:
    """Return the group of each identity up to the largest of `people`: a person each, or several, at random."""
    groups = np.zeros(int(people.max(initial=-1)) + 1, np.int64)
    numbers = np.arange(len(people))
    if len(people) > _MAX_GROUPS:
        numbers = np.random.default_rng(0).permutation(len(people)) % _MAX_GROUPS
    groups[people] = numbers
    return groups


def samples_of_rates(
    counts: PairCounts, metrics: Sequence[str], bootstrap_samples: int
) -> dict[str, NDArray[np.float64]]:
    """Return the values (bootstrap_samples,) of each metric over samples of people; NaN: undefined.

    The samples are the same for the same number of people, so that results of two networks are paired.

    Args:
        counts: numbers of pairs by group of people.
        metrics: names of metrics.
        bootstrap_samples: number of bootstrap samples.
    """
    values: dict[str, list[float]] = {metric: [] for metric in metrics}
    for weights in bootstrap_weights(len(counts.genuine), bootstrap_samples):
        for rates in counts.samples(weights):
            for metric, metric_values in values.items():
                value = rate_value(rates, metric)
                metric_values.append(np.nan if value is None else value)
    return {metric: np.array(metric_values) for metric, metric_values in values.items()}


def rate_value(rates: AcceptRates, metric: str) -> float | None:
    """Return the value of a metric; None if there is no genuine or no impostor pair.

    Raises:
        SettingsError: if it is not a metric of verification.
    """
    record = find_metric(metric)
    if record.from_rates is None:
        raise SettingsError("metrics", metric, "a metric of verification", "use eer or tar_at_far_0.01")
    if not rates.n_genuine or not rates.n_impostor:
        return None
    return record.from_rates(rates)
