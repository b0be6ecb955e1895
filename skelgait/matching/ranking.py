"""How well each probe finds its true matches, from distances alone.

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
    """Who is enrolled.

    Attributes:
        identities: (G,) whose each entry is, as a number.
        cells: (G,) which cell each entry is in, from 0: every cell is ranked on its own; all in one where not given.
        n_cells: how many cells there are.
    """

    identities: Integers
    cells: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    n_cells: int = 1


class Ranks(NamedTuple):
    """Where the true matches of each probe stand in each cell.

    Attributes:
        first: (P, cells) int32, rank of the nearest true match, from 1; 0 where there is none.
        ap: (P, cells) float32, average precision: the mean, over the true matches, of (true matches up to it) / (its
            rank); NaN where there is none.
        inp: (P, cells) float32, inverse negative penalty: (true matches) / (rank of the last one); NaN likewise.
    """

    first: NDArray[np.int32]
    ap: NDArray[np.float32]
    inp: NDArray[np.float32]


LeftOut = Callable[[Integers, Integers], NDArray[np.bool_]]
"""Of pairs of a probe (m,) and a gallery entry (m,) of the same identity, by number, which are not compared: (m,)."""


def rank_matches(
    distances: NDArray[np.float32],
    identities: Integers,
    gallery: Gallery,
    left_out: LeftOut | None = None,
    *,
    precision: bool = True,
) -> Ranks:
    """Rank the true matches of some probes; entries at exactly the same distance rank in the order of the gallery.

    Args:
        distances: (P, G) float32.
        identities: (P,) whose each probe is.
        gallery: the G enrolled entries.
        left_out: true matches that are left out.
        precision: whether `ap` and `inp` are computed; all NaN otherwise.
    """
    matches = true_matches(identities, gallery)
    is_left_out = (
        np.zeros(len(matches.rows), dtype=bool) if left_out is None else left_out(matches.rows, matches.columns)
    )
    shape = (len(identities), gallery.n_cells)
    ranks = Ranks(np.zeros(shape, np.int32), np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32))
    order, bounds = _cell_by_cell(gallery)
    places = np.argsort(order) if len(order) else np.arange(len(gallery.identities))
    kept, skipped = (_by_probe(matches, mask, places, len(identities)) for mask in (~is_left_out, is_left_out))
    rank_true_matches(distances, order, bounds, *kept, *skipped, precision, ranks.first, ranks.ap, ranks.inp)
    if not precision:
        ranks.ap[:], ranks.inp[:] = np.nan, np.nan
    return ranks


class Pairs(NamedTuple):
    """Pairs of a probe and a gallery entry.

    Attributes:
        rows: (m,) numbers of the probes, ascending.
        columns: (m,) numbers of the gallery entries, ascending in each row.
    """

    rows: Integers
    columns: Integers


def true_matches(identities: Integers, gallery: Gallery) -> Pairs:
    """All pairs of a probe and a gallery entry of its identity."""
    by_identity = np.argsort(gallery.identities, kind="stable")
    grouped = gallery.identities[by_identity]
    begins, ends = np.searchsorted(grouped, identities, "left"), np.searchsorted(grouped, identities, "right")
    counts = ends - begins
    rows = np.repeat(np.arange(len(identities)), counts)
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    return Pairs(rows, by_identity[np.arange(len(rows)) - np.repeat(starts - begins, counts)])


def _cell_by_cell(gallery: Gallery) -> tuple[Integers, Integers]:
    """The columns in the order of their cells, none for a single cell, and where each cell begins and the last ends."""
    if gallery.n_cells == 1:
        return np.zeros(0, np.int64), np.array([0, len(gallery.identities)])
    order = np.argsort(gallery.cells, kind="stable")
    return order, np.searchsorted(gallery.cells[order], np.arange(gallery.n_cells + 1))


def _by_probe(pairs: Pairs, mask: NDArray[np.bool_], places: Integers, n_probes: int) -> tuple[Integers, Integers]:
    """Where some of the pairs begin for each probe (P + 1,), and the places of their columns, ascending in each."""
    rows, own = pairs.rows[mask], places[pairs.columns[mask]]
    return np.searchsorted(rows, np.arange(n_probes + 1)), own[np.lexsort((own, rows))]
