"""Verification from distances: true and false accept rates at each threshold.

Distances are counted in a histogram, so that any number of pairs needs the same memory. A bin holds the distances with
the same leading bits and is about 0.01 % of the distance wide. Rates at bin edges are exact.
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
    """True and false accept rates. A pair is accepted if its distance is at most the threshold.

    Attributes:
        thresholds: (n,) distances, ascending.
        true: (n,) true accept rate: share of the genuine pairs that are accepted, in [0, 1].
        false: (n,) false accept rate: share of the impostor pairs that are accepted, in [0, 1].
        n_genuine: number of pairs of one person.
        n_impostor: number of pairs of two people.
    """

    thresholds: Floats
    true: Floats
    false: Floats
    n_genuine: int
    n_impostor: int

    def true_at(self, false: float) -> float:
        """Return the largest true accept rate whose false accept rate is at most `false`; 0 if there is none."""
        allowed = self.true[self.false <= false]
        return float(allowed[-1]) if len(allowed) else 0.0

    def threshold_at(self, false: float) -> float:
        """Return the largest threshold whose false accept rate is at most `false`; -1, which rejects all, if none."""
        allowed = self.thresholds[self.false <= false]
        return float(allowed[-1]) if len(allowed) else -1.0

    def equal_error_rate(self) -> float:
        """Return the rate at which false accepts equal false rejects, interpolated between two thresholds."""
        false = np.concatenate([[0.0], self.false])
        rejected = 1 - np.concatenate([[0.0], self.true])
        after = int(np.argmax(false >= rejected))
        before = max(after - 1, 0)
        gap, next_gap = rejected[before] - false[before], false[after] - rejected[after]
        fraction = gap / (gap + next_gap) if gap + next_gap > 0 else 0.0
        return float(false[before] + fraction * (false[after] - false[before]))


class DistanceHistogram:
    """Histograms of the distances of genuine and impostor pairs, filled block by block."""

    def __init__(self) -> None:
        self._genuine = np.zeros(_BINS, np.int64)
        # One histogram for each thread, at most 8 to limit the memory on machines with many cores.
        self._impostor = np.zeros((min(8, get_num_threads()), _BINS), np.int64)

    def add_impostors(
        self,
        distances: NDArray[np.float32],
        identities: NDArray[np.int64],
        gallery_identities: NDArray[np.int64],
    ) -> None:
        """Count all pairs of two people.

        Args:
            distances: (p, g) distances of probes to gallery entries.
            identities: (p,) identities of the probes.
            gallery_identities: (g,) identities of the gallery entries.
        """
        count_distances(distances, identities, gallery_identities, _DROPPED_BITS, self._impostor)

    def add_genuine(self, distances: NDArray[np.float32]) -> None:
        """Count pairs of one person by their distances (n,)."""
        bins = np.maximum(distances, np.float32(0)).view(np.uint32) >> _DROPPED_BITS
        self._genuine += np.bincount(bins, minlength=_BINS)

    def rates(self) -> AcceptRates:
        """Return the rates at the upper edge of each bin that holds a pair."""
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
