"""Counts of genuine and impostor pairs by people, and the accept rates of samples of these people.

Pairs are not independent: a person who is hard to tell apart takes part in many of them. People are independent, so
that they are drawn, with all their pairs (Bolle, Ratha, Pankanti: Error analysis of pattern recognition systems: the
subsets bootstrap, CVIU 93, 2004). A pair of two people counts as often as both are drawn together (vertex bootstrap:
Snijders, Borgatti: Non-parametric standard errors and tests for network statistics, Connections 22, 1999). Intervals
are then rather too wide than too narrow (Owen: The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from skelgait.matching.verification import DROPPED_BITS, AcceptRates, BinCounts, DistanceHistogram, bin_numbers
from skelgait.matching.verification_kernels import count_by_group

# A wide bin joins 32 bins of the histogram and is about 0.4 % of the distance wide.
_JOINED_BITS = 5
_WIDE_BINS = 2 ** (31 - DROPPED_BITS - _JOINED_BITS)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Numbers of pairs by distance and by group of people.

    Attributes:
        all_pairs: numbers of pairs in n bins.
        wide: (n,) wide bin, from 0, that each of these bins belongs to.
        genuine: (M, K) number of pairs of one person, by group, in the K wide bins that hold a pair.
        by_probe: (M, K) number of pairs of two people, by group of the probe.
        by_gallery: (M, K) number of pairs of two people, by group of the gallery entry.
    """

    all_pairs: BinCounts
    wide: Integers
    genuine: Integers
    by_probe: Integers
    by_gallery: Integers

    def samples(self, weights: Floats) -> Iterator[AcceptRates]:
        """Yield the accept rates of samples of people.

        The weight of an impostor pair is the product of the mean weights of the probes and of the gallery entries in
        its wide bin. If the bin has one pair, this is the product of the weights of its two people. To first order it
        equals a weight for each pair, and it needs M x K numbers, not M x M x K.

        Args:
            weights: (b, M) number of times that each group is drawn in each of b samples.
        """
        pairs, wide = self.all_pairs, self.wide
        genuine, by_probe, by_gallery = (
            weights @ counts / np.maximum(1, counts.sum(0)) for counts in (self.genuine, self.by_probe, self.by_gallery)
        )
        for genuine_weights, impostor_weights in zip(genuine, by_probe * by_gallery, strict=True):
            yield BinCounts(
                pairs.bins, pairs.genuine * genuine_weights[wide], pairs.impostor * impostor_weights[wide]
            ).rates()


class PairCounter:
    """Counter of pairs by distance and by group of people, filled block by block.

    Args:
        group_of: group of each identity, from 0.
    """

    def __init__(self, group_of: Integers) -> None:
        self._group_of = group_of
        shape = (int(group_of.max(initial=0)) + 1, _WIDE_BINS)
        self._histogram = DistanceHistogram()
        self._genuine, self._by_probe = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        # Memory that is not written to is not taken: a few thousand of the wide bins hold a distance.
        self._by_gallery = np.zeros((min(8, get_num_threads()), *shape[::-1]), np.int64)

    def add_impostors(self, distances: NDArray[np.float32], identities: Integers, gallery_identities: Integers) -> None:
        """Count all pairs of two people.

        Args:
            distances: (p, g) distances of probes to gallery entries.
            identities: (p,) identities of the probes.
            gallery_identities: (g,) identities of the gallery entries.
        """
        self._histogram.add_impostors(distances, identities, gallery_identities)
        dropped_bits = DROPPED_BITS + _JOINED_BITS
        count_by_group(
            distances, identities, gallery_identities, self._group_of, dropped_bits, self._by_probe, self._by_gallery
        )

    def add_genuine(self, distances: NDArray[np.float32], identities: Integers) -> None:
        """Count pairs of one person by their distances (n,) and identities (n,)."""
        self._histogram.add_genuine(distances)
        np.add.at(self._genuine, (self._group_of[identities], bin_numbers(distances) >> _JOINED_BITS), 1)

    def counts(self) -> PairCounts:
        """Return the counts, after all pairs have been added."""
        all_pairs = self._histogram.counts()
        wide, wide_of = np.unique(all_pairs.bins >> _JOINED_BITS, return_inverse=True)
        by_gallery = np.ascontiguousarray(self._by_gallery[:, wide].sum(0).T)
        return PairCounts(all_pairs, wide_of, self._genuine[:, wide], self._by_probe[:, wide], by_gallery)
