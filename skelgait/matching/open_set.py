"""Open-set identification from distances: error rates at each threshold.

A search compares a probe with all enrolled people. It is mated if the person of the probe is enrolled. Rates are those
of ISO/IEC 19795-1:2021 and of NIST FRTE 1:N (Grother, Ngan, Hanaoka: Face Recognition Vendor Test part 2, NISTIR 8271).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.matching.distances import RowBlocks
from skelgait.matching.open_set_kernels import search_people
from skelgait.matching.verification import REJECT_ALL

_COLUMNS_AT_A_TIME = 2**16
_CURVE_POINTS = 100

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class OpenSetRates:
    """Error rates of searches. A person is returned if the distance is at most the threshold.

    Attributes:
        thresholds: (n,) distances, ascending.
        false_positive: (n,) false positive identification rate (FPIR): share of the non-mated searches that return
            anybody, in [0, 1].
        false_negative: (n,) false negative identification rate (FNIR): share of the mated searches that do not return
            the right person, at any rank, in [0, 1].
        detected: (n,) detection and identification rate (DIR): share of the mated searches that return the right person
            at rank 1, in [0, 1].
        n_mated: number of mated searches.
        n_non_mated: number of non-mated searches.
    """

    thresholds: Floats
    false_positive: Floats
    false_negative: Floats
    detected: Floats
    n_mated: int
    n_non_mated: int

    def false_negative_at(self, false_positive: float) -> float:
        """Return the smallest FNIR whose FPIR is at most `false_positive`."""
        return self._at(false_positive, self.false_negative, 1.0)

    def detected_at(self, false_positive: float) -> float:
        """Return the largest DIR at rank 1 whose FPIR is at most `false_positive`."""
        return self._at(false_positive, self.detected, 0.0)

    def threshold_at(self, false_positive: float) -> float:
        """Return the largest threshold whose FPIR is at most `false_positive`; `REJECT_ALL` if there is none."""
        return self._at(false_positive, self.thresholds, REJECT_ALL)

    def _at(self, false_positive: float, values: Floats, default: float) -> float:
        n_allowed = int(np.searchsorted(self.false_positive, false_positive, "right"))
        return float(values[n_allowed - 1]) if n_allowed else default


class Searches:
    """Searches among the people of one enrollment.

    Args:
        distances: (n,) distance to the own person in mated searches, to the nearest person in non-mated ones.
        is_mated: (n,) True for mated searches.
        is_first: (n,) True if the own person is the nearest one.
        people: (n,) person of each probe, from 0.

    Attributes:
        n_mated: number of mated searches.
        n_non_mated: number of non-mated searches.
        n_people: number of people, from the first to the last that a probe shows.
    """

    def __init__(
        self, distances: NDArray[np.float32], is_mated: Booleans, is_first: Booleans, people: Integers
    ) -> None:
        order = np.argsort(distances, kind="stable")
        self._distances = distances[order].astype(np.float64)
        self._is_mated, self._is_first, self._people = is_mated[order], is_first[order] & is_mated[order], people[order]
        # Searches at equal distance are decided together.
        self._ends = np.flatnonzero(np.diff(self._distances, append=np.inf) > 0)
        self.n_mated = int(is_mated.sum())
        self.n_non_mated = len(distances) - self.n_mated
        self.n_people = int(people.max(initial=-1)) + 1

    def rates(self, weights: Floats | None = None) -> OpenSetRates:
        """Return the rates at each distance.

        Args:
            weights: number of times that each person counts; default: 1.
        """
        counted = np.ones(len(self._people)) if weights is None else weights[self._people]
        mated, first = (np.where(mask, counted, 0).cumsum() for mask in (self._is_mated, self._is_first))
        n_mated = float(mated[-1]) if len(mated) else 0.0
        non_mated = counted.cumsum() - mated
        n_non_mated = float(non_mated[-1]) if len(mated) else 0.0
        ends = self._ends
        return OpenSetRates(
            self._distances[ends],
            non_mated[ends] / max(1, n_non_mated),
            1 - mated[ends] / max(1, n_mated),
            first[ends] / max(1, n_mated),
            round(n_mated),
            round(n_non_mated),
        )


class NearestPeople(NamedTuple):
    """Nearest people of P probes in D enrollments.

    Attributes:
        mates: (P,) float32 distance to the own person; infinite: no entry to compare with.
        others: (P, D) float32 distance to the nearest other person who is enrolled; infinite: none.
        is_first: (P, D) True if the own person is nearer than all others who are enrolled, or first at equal distance.
        other_columns: (P, D) gallery entry of that other person; undefined if there is none.
    """

    mates: NDArray[np.float32]
    others: NDArray[np.float32]
    is_first: Booleans
    other_columns: Integers


class SearchAccumulator:
    """Nearest people of the distances added so far.

    Args:
        people: (P,) person of each probe; -1: not among the people of the gallery.
        column_people: (G,) person of each gallery entry, from 0.
        enrolled: (D, people) True for the people of each of D enrollments.
    """

    def __init__(self, people: Integers, column_people: Integers, enrolled: Booleans) -> None:
        self._people, self._column_people, self._enrolled = people, column_people, enrolled
        shape = (len(people), len(enrolled))
        self._mates, self._mate_columns = np.full(shape[0], np.inf, np.float32), np.zeros(shape[0], np.int64)
        self._others, self._other_columns = np.full(shape, np.inf, np.float32), np.zeros(shape, np.int64)

    def add(self, top: int, left: int, distances: NDArray[np.float32]) -> None:
        """Add distances of the probes from `top` on to the columns from `left` on; infinite: not compared."""
        rows = slice(top, top + len(distances))
        search_people(
            distances, self._people[rows], self._column_people[left : left + distances.shape[1]], left, self._enrolled,
            self._mates[rows], self._mate_columns[rows], self._others[rows], self._other_columns[rows],
        )  # fmt: skip

    def result(self) -> NearestPeople:
        """Return the nearest people, after all distances have been added."""
        mates, columns = self._mates[:, None], self._mate_columns[:, None]
        is_first = (mates < self._others) | ((mates == self._others) & (columns < self._other_columns))
        return NearestPeople(self._mates, self._others, is_first & np.isfinite(mates), self._other_columns)


def nearest_people(
    rows: RowBlocks, people: Integers, column_people: Integers, *, columns_at_a_time: int = _COLUMNS_AT_A_TIME
) -> NearestPeople:
    """Return the nearest people of each probe if all people of the gallery are enrolled.

    The gallery is read once, and may be larger than the memory.

    Args:
        rows: source of distances.
        people: (P,) person of each probe; -1: not among the people of the gallery.
        column_people: (G,) person of each gallery entry, from 0.
        columns_at_a_time: gallery entries whose distances are in memory at a time.
    """
    enrolled = np.ones((1, int(column_people.max(initial=-1)) + 1), dtype=bool)
    accumulator = SearchAccumulator(people, column_people, enrolled)
    probes, gallery = np.arange(len(people)), np.arange(len(column_people))
    for left in range(0, len(gallery), columns_at_a_time):
        for start, distances in rows(probes, gallery[left : left + columns_at_a_time]):
            accumulator.add(start, left, distances)
    return accumulator.result()


def curve_points(n_non_mated: int, more: Iterable[float] = ()) -> list[float]:
    """Return false positive identification rates for a curve, ascending, from that of one search to 1.

    They are evenly spaced on a logarithmic axis.

    Args:
        n_non_mated: number of non-mated searches; 0: no points.
        more: further rates; those finer than one search are left out.
    """
    if not n_non_mated:
        return []
    smallest = 1 / n_non_mated
    points = {smallest, 1.0, *np.geomspace(smallest, 1, _CURVE_POINTS)[1:-1].tolist(), *more}
    return sorted(point for point in points if point >= smallest)
