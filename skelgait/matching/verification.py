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

DROPPED_BITS = 10
"""Number of trailing bits of a 32-bit distance that do not distinguish bins."""

_BINS = 2 ** (31 - DROPPED_BITS)

REJECT_ALL = -1.0
"""Threshold that rejects all pairs."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


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
        """Return the largest threshold whose false accept rate is at most `false`; `REJECT_ALL` if there is none."""
        allowed = self.thresholds[self.false <= false]
        return float(allowed[-1]) if len(allowed) else REJECT_ALL

    def curve(self) -> AcceptRates:
        """Return the ROC curve from (0, 0) on, without the points inside its horizontal and vertical lines.

        Every corner is kept and no point is moved, so that `true_at` and `equal_error_rate` do not change.
        """
        thresholds, true, false = (
            np.concatenate([[first], values])
            for first, values in ((REJECT_ALL, self.thresholds), (0, self.true), (0, self.false))
        )
        is_flat = np.diff([true, false]) == 0
        is_corner = np.ones(len(true), dtype=bool)
        is_corner[1:-1] = ~(is_flat[:, 1:] & is_flat[:, :-1]).any(0)
        return AcceptRates(thresholds[is_corner], true[is_corner], false[is_corner], self.n_genuine, self.n_impostor)

    def equal_error_rate(self) -> float:
        """Return the rate at which false accepts equal false rejects, interpolated between two thresholds."""
        false = np.concatenate([[0.0], self.false])
        rejected = 1 - np.concatenate([[0.0], self.true])
        after = int(np.argmax(false >= rejected))
        before = max(after - 1, 0)
        gap, next_gap = rejected[before] - false[before], false[after] - rejected[after]
        fraction = gap / (gap + next_gap) if gap + next_gap > 0 else 0.0
        return float(false[before] + fraction * (false[after] - false[before]))


@dataclass(frozen=True, eq=False)
class BinCounts:
    """Numbers of pairs in bins of the distance.

    Attributes:
        bins: (n,) bins that hold a pair, ascending.
        genuine: (n,) number of pairs of one person in each bin; a sample of people may have fractions of pairs.
        impostor: (n,) number of pairs of two people in each bin, likewise.
    """

    bins: Integers
    genuine: Integers | Floats
    impostor: Integers | Floats

    def rates(self) -> AcceptRates:
        """Return the rates at the upper edge of each bin."""
        last_of_bin = (((self.bins + 1) << DROPPED_BITS) - 1).astype(np.uint32)
        true, false = (np.cumsum(counts, dtype=np.float64) for counts in (self.genuine, self.impostor))
        n_genuine, n_impostor = (float(counts[-1]) if len(counts) else 0.0 for counts in (true, false))
        return AcceptRates(
            last_of_bin.view(np.float32).astype(np.float64),
            true / max(1, n_genuine),
            false / max(1, n_impostor),
            round(n_genuine),
            round(n_impostor),
        )


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
        count_distances(distances, identities, gallery_identities, DROPPED_BITS, self._impostor)

    def add_genuine(self, distances: NDArray[np.float32]) -> None:
        """Count pairs of one person by their distances (n,)."""
        self._genuine += np.bincount(bin_numbers(distances), minlength=_BINS)

    def counts(self) -> BinCounts:
        """Return the number of pairs in each bin that holds a pair."""
        impostor = self._impostor.sum(0)
        filled = np.flatnonzero(self._genuine + impostor)
        return BinCounts(filled, self._genuine[filled], impostor[filled])


def bin_numbers(distances: NDArray[np.float32]) -> Integers:
    """Return the bins (n,) of distances (n,); negative distances count as zero."""
    return np.asarray(np.maximum(distances, np.float32(0)).view(np.uint32) >> DROPPED_BITS, np.int64)
