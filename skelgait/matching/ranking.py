"""Ranks of the true matches of each probe, from distances alone.

>>> import numpy as np
>>> gallery = Gallery(identities=np.array([7, 8, 7, 8]))
>>> ranks = rank_matches(np.float32([[0.1, 0.2, 0.3, 0.4]]), np.array([8]), gallery)
>>> ranks.first
array([[2]], dtype=int32)
>>> ranks.ap, ranks.inp
(array([[0.5]], dtype=float32), array([[0.5]], dtype=float32))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.matching.kernels import rank_true_matches

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Gallery:
    """Gallery entries.

    Attributes:
        identities: (G,) identity of each entry, as an integer.
        views: (G,) view of each entry, from 0; every view is ranked separately. Default: one view.
        n_views: number V of views; default: 1.
    """

    identities: Integers
    views: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    n_views: int = 1


class Ranks(NamedTuple):
    """Ranks of the true matches of P probes in V gallery views.

    Attributes:
        first: (P, V) int32 rank of the nearest true match, from 1; 0: no true match.
        ap: (P, V) float32 average precision: mean over the true matches of (number of true matches up to it) / (its
            rank); NaN: no true match.
        inp: (P, V) float32 inverse negative penalty: (number of true matches) / (rank of the last one); NaN: no true
            match.
    """

    first: NDArray[np.int32]
    ap: NDArray[np.float32]
    inp: NDArray[np.float32]


Exclusion = Callable[[Integers, Integers], NDArray[np.bool_]]
"""Function of indices of probes (m,) and of gallery entries (m,) that returns True for excluded pairs (m,)."""


def rank_matches(
    distances: NDArray[np.float32],
    identities: Integers,
    gallery: Gallery,
    exclusion: Exclusion | None = None,
    *,
    all_matches: bool = True,
) -> Ranks:
    """Return the ranks of the true matches; gallery entries at equal distance rank in the order of the gallery.

    Args:
        distances: (P, G) float32.
        identities: (P,) identity of each probe, as an integer.
        gallery: the G gallery entries.
        exclusion: rule that excludes true matches; default: none is excluded.
        all_matches: True (default): rank all true matches; False: only the nearest, `ap` and `inp` are NaN.
    """
    matches = true_matches(identities, gallery)
    is_excluded = (
        np.zeros(len(matches.rows), dtype=bool) if exclusion is None else exclusion(matches.rows, matches.columns)
    )
    shape = (len(identities), gallery.n_views)
    ranks = Ranks(np.zeros(shape, np.int32), np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32))
    order, bounds = _order_by_view(gallery)
    positions = np.argsort(order) if len(order) else np.arange(len(gallery.identities))
    kept, excluded = (_by_probe(matches, mask, positions, len(identities)) for mask in (~is_excluded, is_excluded))
    rank_true_matches(distances, order, bounds, *kept, *excluded, all_matches, ranks.first, ranks.ap, ranks.inp)
    if not all_matches:
        ranks.ap[:], ranks.inp[:] = np.nan, np.nan
    return ranks


class Pairs(NamedTuple):
    """Pairs of a probe and a gallery entry.

    Attributes:
        rows: (m,) indices of the probes, ascending.
        columns: (m,) indices of the gallery entries, ascending for each probe.
    """

    rows: Integers
    columns: Integers


def true_matches(identities: Integers, gallery: Gallery) -> Pairs:
    """Return all pairs of a probe and a gallery entry of the same identity."""
    by_identity = np.argsort(gallery.identities, kind="stable")
    grouped = gallery.identities[by_identity]
    begins, ends = np.searchsorted(grouped, identities, "left"), np.searchsorted(grouped, identities, "right")
    counts = ends - begins
    rows = np.repeat(np.arange(len(identities)), counts)
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    return Pairs(rows, by_identity[np.arange(len(rows)) - np.repeat(starts - begins, counts)])


def _order_by_view(gallery: Gallery) -> tuple[Integers, Integers]:
    """Return the columns sorted by view (empty for one view), and the bounds (V + 1,) of the views in this order."""
    if gallery.n_views == 1:
        return np.zeros(0, np.int64), np.array([0, len(gallery.identities)])
    order = np.argsort(gallery.views, kind="stable")
    return order, np.searchsorted(gallery.views[order], np.arange(gallery.n_views + 1))


def _by_probe(pairs: Pairs, mask: NDArray[np.bool_], positions: Integers, n_probes: int) -> tuple[Integers, Integers]:
    """Return the first pair of each probe (P + 1,) and the positions of the columns, ascending for each probe."""
    rows, columns = pairs.rows[mask], positions[pairs.columns[mask]]
    return np.searchsorted(rows, np.arange(n_probes + 1)), columns[np.lexsort((columns, rows))]
