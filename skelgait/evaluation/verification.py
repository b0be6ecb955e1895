"""Verification: are two sequences of one person? Over all pairs of a probe and a gallery entry."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.evaluation.ranks import LeftOutRule
from skelgait.evaluation.test_sequences import Members, TestSet
from skelgait.matching.ranking import Gallery, true_matches
from skelgait.matching.verification import AcceptRates, PairCounts


@dataclass(frozen=True, eq=False)
class GroupRates:
    """The pairs of a group.

    Attributes:
        members: the probes and the gallery.
        rates: what is accepted at each threshold.
        left_out: pairs of one person that are left out, by reason.
    """

    members: Members
    rates: AcceptRates
    left_out: dict[str, int] = field(default_factory=dict)


class VerificationAccumulator:
    """Counts a group's pairs, some probes after the other.

    Args:
        test_set: all sequences.
        table: the rules.
        members: the probes and the gallery.
    """

    def __init__(self, test_set: TestSet, table: Table, members: Members) -> None:
        self._set = test_set
        self._members = members
        self._rule = LeftOutRule(test_set, table, members)
        self._gallery = Gallery(test_set.identities[members.gallery])
        self._counts = PairCounts()

    def add(self, start: int, distances: NDArray[np.float32]) -> None:
        """Count the pairs of the probes from `start` on, whose `distances` (n, G) to the gallery these are."""
        identities = self._set.identities[self._members.probes[start : start + len(distances)]]
        self._counts.add_impostors(distances, identities, self._gallery.identities)
        rows, columns = true_matches(identities, self._gallery)
        kept = ~self._rule.of_block(start)(rows, columns)
        self._counts.add_genuine(distances[rows[kept], columns[kept]])

    def result(self) -> GroupRates:
        """The rates over all probes, which have all been added."""
        return GroupRates(self._members, self._counts.rates(), self._rule.counted())


def metric_of(rates: AcceptRates, metric: str) -> float | None:
    """A metric in [0, 1]; None where there is no pair of one person, or none of two."""
    if not rates.n_genuine or not rates.n_impostor:
        return None
    if metric == "eer":
        return rates.equal_error_rate()
    return rates.true_at(float(metric.removeprefix("tar_at_far_")))
