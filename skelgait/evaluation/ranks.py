"""Ranks of the true matches of each probe under the rules of a table. All metrics of recognition follow from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.evaluation.evaluation_set import EvaluationSet, Indices, Members
from skelgait.matching.metrics import find_metric
from skelgait.matching.ranking import Exclusion, Gallery, Ranks, rank_matches

ITSELF, SAME_VIEW = "the probe itself", "of the probe's own identity and view"
NOT_COMPARED = "of two views that the table does not compare"
"""Reasons for which a pair of a probe and a true match is excluded."""


@dataclass(frozen=True, eq=False)
class GroupRanks:
    """Ranks of the true matches of a group's probes.

    V is the number of gallery views in a table by view pairs. In other tables each probe is compared with the whole
    gallery, and V is 1.

    Attributes:
        members: the P probes and the gallery.
        probe_views: (P,) view of each probe, as an index into `EvaluationSet.view_names`; all 0 in a pooled table.
        gallery_views: (V,) gallery views, likewise; one 0 for the whole gallery.
        first: (P, V) int32 rank of the nearest true match, from 1; 0: no true match; -1: not compared.
        ap: (P, V) float32 average precision; NaN: no true match.
        inp: (P, V) float32 inverse negative penalty; NaN: no true match.
        excluded_pairs: number of excluded pairs of a probe and a true match, by reason.
        smallest_gallery: number of entries of the smallest gallery view, or of the gallery.
    """

    members: Members
    probe_views: Indices
    gallery_views: Indices
    first: NDArray[np.int32]
    ap: NDArray[np.float32]
    inp: NDArray[np.float32]
    excluded_pairs: dict[str, int] = field(default_factory=dict)
    smallest_gallery: int = 0

    @property
    def ranks(self) -> Ranks:
        """Ranks that metrics are computed from."""
        return Ranks(self.first, self.ap, self.inp)


class ExclusionRule:
    """Rule that excludes true matches of a group's probes, and counts them by reason.

    Args:
        evaluation_set: all sequences.
        table: rules of the table.
        members: probes and gallery.
    """

    def __init__(self, evaluation_set: EvaluationSet, table: Table, members: Members) -> None:
        self._views = evaluation_set.views
        self._members = members
        by_pairs = table.kind == "view_pairs"
        self._reason = NOT_COMPARED if by_pairs else SAME_VIEW
        self._excludes_same = table.identical_views is False
        self._excludes_other = by_pairs and table.identical_views == "only"
        self._counts: Counter[str] = Counter()

    def of_block(self, start: int) -> Exclusion:
        """Return the rule for a block of probes that begins at index `start`."""

        def excluded(rows: Indices, columns: Indices) -> NDArray[np.bool_]:
            probes, others = self._members.probes[start + rows], self._members.gallery[columns]
            is_itself = probes == others
            is_same = self._views[probes] == self._views[others]
            is_excluded = ((is_same & self._excludes_same) | (~is_same & self._excludes_other)) & ~is_itself
            self._counts.update({ITSELF: int(is_itself.sum()), self._reason: int(is_excluded.sum())})
            return np.asarray(is_itself | is_excluded)

        return excluded

    def counts(self) -> dict[str, int]:
        """Return the number of pairs excluded so far, by reason."""
        return {reason: n for reason, n in self._counts.items() if n}


class RankAccumulator:
    """Accumulator of the ranks of a group's probes, block by block.

    Args:
        evaluation_set: all sequences.
        table: rules of the table.
        members: probes and gallery.
    """

    def __init__(self, evaluation_set: EvaluationSet, table: Table, members: Members) -> None:
        self._set = evaluation_set
        self._table = table
        self._members = members
        self._rule = ExclusionRule(evaluation_set, table, members)
        views = evaluation_set.views[members.gallery]
        compared_views = views if table.kind == "view_pairs" else np.zeros_like(views)
        self._gallery_views, view_of = np.unique(compared_views, return_inverse=True)
        identities = evaluation_set.identities[members.gallery]
        self._gallery = Gallery(identities, view_of.astype(np.int64), len(self._gallery_views))
        self._needs_all_matches = any(find_metric(name).needs_all_matches for name in table.metrics)
        self._blocks: list[Ranks] = []

    def add(self, start: int, distances: NDArray[np.float32]) -> None:
        """Rank the probes from index `start` on by their distances (n, G) to the gallery."""
        identities = self._set.identities[self._members.probes[start : start + len(distances)]]
        rule = self._rule.of_block(start)
        ranks = rank_matches(distances, identities, self._gallery, rule, all_matches=self._needs_all_matches)
        self._blocks.append(ranks)

    def result(self) -> GroupRanks:
        """Return the ranks, after all probes have been added."""
        # Without a gallery nothing has been added, and there is no view either.
        shape = (0 if len(self._gallery_views) else len(self._members.probes), len(self._gallery_views))
        empty = Ranks(np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        first, ap, inp = (np.concatenate(arrays) for arrays in zip(empty, *self._blocks, strict=True))
        views = self._set.views[self._members.probes]
        probe_views = np.zeros_like(views) if self._table.kind == "pooled" else views
        skipped = ~self._is_compared(views)
        first[skipped], ap[skipped], inp[skipped] = -1, np.nan, np.nan
        sizes = np.bincount(self._gallery.views, minlength=1)
        return GroupRanks(
            self._members, probe_views, self._gallery_views, first, ap, inp, self._rule.counts(), int(sizes.min())
        )

    def _is_compared(self, views: Indices) -> NDArray[np.bool_]:
        """Return (P, V): True if a probe is compared with a gallery view."""
        rule = self._table.identical_views
        if self._table.kind != "view_pairs" or rule is True:
            return np.ones((len(views), len(self._gallery_views)), dtype=bool)
        is_identical: NDArray[np.bool_] = views[:, None] == self._gallery_views
        return is_identical if rule == "only" else ~is_identical
