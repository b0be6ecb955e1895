"""Where the true matches of each probe stand, under a table's rules; all other metrics follow from this."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.evaluation.test_sequences import Indices, Members, TestSet
from skelgait.matching.ranking import Gallery, LeftOut, Ranks, rank_matches

ITSELF, OWN_VIEW = "the probe itself", "of the probe's own identity and view"
NOT_COMPARED = "of two views that the table does not compare"
"""Why a true match is left out."""


@dataclass(frozen=True, eq=False)
class GroupRanks:
    """The probes of a group, and how each of them finds its true matches.

    Attributes:
        members: the probes (P,) and the gallery.
        strata: (P,) the part of the probes that each one belongs to: its view, as a place in `TestSet.view_names`,
            or 0 for all where the table does not go by views.
        cells: (V,) the views of the gallery that a probe is compared with one by one, likewise; a single one where it
            is compared with the whole gallery.
        first: (P, V) int32 rank of the nearest true match, from 1; 0 where there is none; -1 where a probe is not
            compared with a view.
        ap: (P, V) float32 average precision; NaN where there is none.
        inp: (P, V) float32 inverse negative penalty, likewise.
        left_out: pairs of a probe and a true match that are left out, by reason.
        smallest_gallery: gallery entries of the smallest cell.
    """

    members: Members
    strata: Indices
    cells: Indices
    first: NDArray[np.int32]
    ap: NDArray[np.float32]
    inp: NDArray[np.float32]
    left_out: dict[str, int] = field(default_factory=dict)
    smallest_gallery: int = 0


class LeftOutRule:
    """Which true matches of a group's probes are left out, and how often each reason held.

    Args:
        test_set: all sequences.
        table: the rules.
        members: the probes and the gallery.
    """

    def __init__(self, test_set: TestSet, table: Table, members: Members) -> None:
        self._views = test_set.views
        self._members = members
        by_pairs = table.kind == "view_pairs"
        self._reason = NOT_COMPARED if by_pairs else OWN_VIEW
        self._skips_same = table.identical_views is False
        self._skips_other = by_pairs and table.identical_views == "only"
        self._counts: Counter[str] = Counter()

    def of_block(self, start: int) -> LeftOut:
        """The rule for the probes from `start` on."""

        def left_out(rows: Indices, columns: Indices) -> NDArray[np.bool_]:
            probes, others = self._members.probes[start + rows], self._members.gallery[columns]
            is_itself = probes == others
            is_same = self._views[probes] == self._views[others]
            is_skipped = ((is_same & self._skips_same) | (~is_same & self._skips_other)) & ~is_itself
            self._counts.update({ITSELF: int(is_itself.sum()), self._reason: int(is_skipped.sum())})
            return np.asarray(is_itself | is_skipped)

        return left_out

    def counted(self) -> dict[str, int]:
        """Pairs left out so far, by reason."""
        return {reason: n for reason, n in self._counts.items() if n}


class RankAccumulator:
    """Ranks a group's probes, some after the other.

    Args:
        test_set: all sequences.
        table: the rules.
        members: the probes and the gallery.
    """

    def __init__(self, test_set: TestSet, table: Table, members: Members) -> None:
        self._set = test_set
        self._table = table
        self._members = members
        self._rule = LeftOutRule(test_set, table, members)
        views = test_set.views[members.gallery]
        in_cells = views if table.kind == "view_pairs" else np.zeros_like(views)
        self._cells, cell_of = np.unique(in_cells, return_inverse=True)
        identities = test_set.identities[members.gallery]
        self._gallery = Gallery(identities, cell_of.astype(np.int64), len(self._cells))
        self._precision = any(not name.startswith("rank_") for name in table.metrics)
        self._parts: list[Ranks] = []

    def add(self, start: int, distances: NDArray[np.float32]) -> None:
        """Rank the probes from `start` on, whose `distances` (n, G) to the gallery these are."""
        identities = self._set.identities[self._members.probes[start : start + len(distances)]]
        rule = self._rule.of_block(start)
        self._parts.append(rank_matches(distances, identities, self._gallery, rule, precision=self._precision))

    def result(self) -> GroupRanks:
        """The ranks of all probes, which have all been added."""
        # Without a gallery nothing has been added, and there is no cell either.
        shape = (0 if len(self._cells) else len(self._members.probes), len(self._cells))
        nothing = Ranks(np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        first, ap, inp = (np.concatenate(parts) for parts in zip(nothing, *self._parts, strict=True))
        views = self._set.views[self._members.probes]
        strata = np.zeros_like(views) if self._table.kind == "pooled" else views
        skipped = ~self._are_compared(views)
        first[skipped], ap[skipped], inp[skipped] = -1, np.nan, np.nan
        sizes = np.bincount(self._gallery.cells, minlength=1)
        return GroupRanks(self._members, strata, self._cells, first, ap, inp, self._rule.counted(), int(sizes.min()))

    def _are_compared(self, views: Indices) -> NDArray[np.bool_]:
        """(P, V) whether a probe is compared with each view."""
        rule = self._table.identical_views
        if self._table.kind != "view_pairs" or rule is True:
            return np.ones((len(views), len(self._cells)), dtype=bool)
        are_identical: NDArray[np.bool_] = views[:, None] == self._cells
        return are_identical if rule == "only" else ~are_identical
