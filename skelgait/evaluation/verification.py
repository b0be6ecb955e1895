"""Verification: accept rates over all pairs of a probe and a gallery entry."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.errors import SettingsError
from skelgait.evaluation.evaluation_set import EvaluationSet, Members
from skelgait.evaluation.ranks import ExclusionRule
from skelgait.matching.metrics import find_metric
from skelgait.matching.ranking import Gallery, true_matches
from skelgait.matching.verification import AcceptRates, DistanceHistogram


@dataclass(frozen=True, eq=False)
class GroupRates:
    """Accept rates of the pairs of a group.

    Attributes:
        members: probes and gallery.
        rates: accept rates at each threshold.
        excluded_pairs: number of excluded genuine pairs, by reason.
    """

    members: Members
    rates: AcceptRates
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
        self._histogram = DistanceHistogram()

    def add(self, start: int, distances: NDArray[np.float32]) -> None:
        """Count the pairs of the probes from index `start` on, by their distances (n, G) to the gallery."""
        identities = self._set.identities[self._members.probes[start : start + len(distances)]]
        self._histogram.add_impostors(distances, identities, self._gallery.identities)
        rows, columns = true_matches(identities, self._gallery)
        is_kept = ~self._rule.of_block(start)(rows, columns)
        self._histogram.add_genuine(distances[rows[is_kept], columns[is_kept]])

    def result(self) -> GroupRates:
        """Return the rates, after all probes have been added."""
        return GroupRates(self._members, self._histogram.rates(), self._rule.counts())


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
