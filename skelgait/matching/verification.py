"""Telling from a distance whether two sequences are of one person: false accepts and true accepts by threshold.

Distances are counted in bins, so that any number of pairs needs the same memory. A bin holds the distances that share
their leading bits: it is 0.01 percent of the distance wide. Rates at its edges are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from skelgait.matching.kernels import count_distances

_DROPPED_BITS = 10
_BINS = 2 ** (31 - _DROPPED_BITS)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AcceptRates:
    """What is accepted at each of some thresholds, ascending; a pair is accepted up to a threshold.

    Attributes:
        thresholds: (n,) distances.
        true: (n,) share of the pairs of one person that are accepted, in [0, 1].
        false: (n,) share of the pairs of two people that are accepted.
        n_genuine: pairs of one person.
        n_impostor: pairs of two people.
    """

    thresholds: Floats
    true: Floats
    false: Floats
    n_genuine: int
    n_impostor: int

    def true_at(self, false: float) -> float:
        """The largest share of true accepts with at most that share of false ones; 0 where there is none."""
        allowed = self.true[self.false <= false]
        return float(allowed[-1]) if len(allowed) else 0.0

    def threshold_at(self, false: float) -> float:
        """The largest threshold with at most that share of false accepts; -1, which nothing passes, where none has."""
        allowed = self.thresholds[self.false <= false]
        return float(allowed[-1]) if len(allowed) else -1.0

    def equal_error_rate(self) -> float:
        """Where false accepts and false rejects are as frequent; between two thresholds on a straight line."""
        false = np.concatenate([[0.0], self.false])
        rejected = 1 - np.concatenate([[0.0], self.true])
        after = int(np.argmax(false >= rejected))
        before = max(after - 1, 0)
        gap, next_gap = rejected[before] - false[before], false[after] - rejected[after]
        part = gap / (gap + next_gap) if gap + next_gap > 0 else 0.0
        return float(false[before] + part * (false[after] - false[before]))


class PairCounts:
    """Counts the distances of pairs, block by block."""

    def __init__(self) -> None:
        self._genuine = np.zeros(_BINS, np.int64)
        # A table for each thread, few enough to stay small on machines of many cores.
        self._impostor = np.zeros((min(8, get_num_threads()), _BINS), np.int64)

    def add_impostors(
        self,
        distances: NDArray[np.float32],
        identities: NDArray[np.int64],
        gallery_identities: NDArray[np.int64],
    ) -> None:
        """Count all pairs of two people among probes (p,) and gallery entries (g,), whose `distances` are (p, g)."""
        count_distances(distances, identities, gallery_identities, _DROPPED_BITS, self._impostor)

    def add_genuine(self, distances: NDArray[np.float32]) -> None:
        """Count pairs of one person, of these distances (n,)."""
        bins = np.maximum(distances, np.float32(0)).view(np.uint32) >> _DROPPED_BITS
        self._genuine += np.bincount(bins, minlength=_BINS)

    def rates(self) -> AcceptRates:
        """The rates at the upper edge of every bin that holds a pair."""
        impostor = self._impostor.sum(0)
        filled = np.flatnonzero(self._genuine + impostor)
        last_of_bin = (((filled + 1) << _DROPPED_BITS) - 1).astype(np.uint32)
        true, false = np.cumsum(self._genuine[filled]), np.cumsum(impostor[filled])
        n_genuine, n_impostor = int(self._genuine.sum()), int(impostor.sum())
        return AcceptRates(
            last_of_bin.view(np.float32).astype(np.float64),
            true / max(1, n_genuine),
            false / max(1, n_impostor),
            n_genuine,
            n_impostor,
        )
