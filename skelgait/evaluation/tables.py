"""Carrying out one table of a protocol on embeddings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skelgait.datasets import Group, Table
from skelgait.evaluation.distances import Metric, distance_matrix
from skelgait.evaluation.embed import Embeddings
from skelgait.evaluation.ranking import average_precision, first_match_rank
from skelgait.storage import Key

# Distances of this many probes to a gallery are held at a time.
_BLOCK = 1024

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class GroupReport:
    """How a group of probes is recognised.

    Attributes:
        name: the group's name.
        figures: each figure in [0, 1]; None where no probe counts.
        by_view: rank-1 of each probe view, where the table goes by views.
        n_probes: probes.
        n_gallery: gallery entries.
        n_unmatched: probes for which no true match was left in some gallery that they were compared with.
    """

    name: str
    figures: dict[str, float | None]
    by_view: dict[str, float | None]
    n_probes: int
    n_gallery: int
    n_unmatched: int


@dataclass(frozen=True)
class TableReport:
    """A table carried out."""

    title: str
    groups: tuple[GroupReport, ...]


class Scorer:
    """Scores tables on one set of embeddings.

    Args:
        embeddings: the embedded test sequences.
        metric: distance of two embeddings.
        camera_of_view: whether only the part of a view before `_` tells the camera.
        probes: the probes, where the partition names them one by one.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        metric: Metric,
        *,
        camera_of_view: bool = False,
        probes: Collection[tuple[str, str, str]] = (),
    ) -> None:
        keys = embeddings.keys
        self._values = embeddings.values
        self._metric: Metric = metric
        self._conditions = [key.condition for key in keys]
        self._identities = np.unique([key.identity for key in keys], return_inverse=True)[1]
        views = [key.view.split("_")[0] if camera_of_view else key.view for key in keys]
        self.view_names, self._views = np.unique(views, return_inverse=True)
        self._is_named_probe = np.array([tuple(key) in probes for key in keys], dtype=bool)

    def select(self, patterns: Sequence[str]) -> Indices:
        """Sequences whose condition fits one of the patterns."""
        fits = {c: any(fnmatchcase(c, pattern) for pattern in patterns) for c in set(self._conditions)}
        return np.flatnonzero([fits[condition] for condition in self._conditions])

    def score(self, table: Table) -> TableReport:
        """Carry out a table."""
        return TableReport(table.title, tuple(self._score_group(table, group) for group in table.groups))

    def _score_group(self, table: Table, group: Group) -> GroupReport:
        if group.probes:
            probes, gallery = self.select(group.probes), self.select(group.gallery)
        else:
            probes = np.flatnonzero(self._is_named_probe)
            gallery = np.setdiff1d(self.select(group.gallery), probes)
        cells = list(self._cells(table, probes, gallery))
        unmatched = {int(i) for cell in cells for i in cell.unmatched}
        by_view = _by_view(cells, self.view_names) if table.kind != "pooled" else {}
        figures: dict[str, float | None] = {
            name: _mean(_by_view(cells, self.view_names, name).values()) for name in table.figures
        }
        return GroupReport(group.name, figures, by_view, len(probes), len(gallery), len(unmatched))

    def _cells(self, table: Table, probes: Indices, gallery: Indices) -> Iterator[_Cell]:
        """Every comparison of some probes with some gallery that is scored on its own."""
        if table.kind == "pooled":
            if len(probes) and len(gallery):
                yield self._cell(table, 0, probes, gallery)
            return
        for view in np.unique(self._views[probes]):
            own = probes[self._views[probes] == view]
            if table.kind == "cross_view_gallery":
                others = [gallery]
            else:
                wanted = [
                    other
                    for other in np.unique(self._views[gallery])
                    if table.identical_views is True or (other == view) == (table.identical_views == "only")
                ]
                others = [gallery[self._views[gallery] == other] for other in wanted]
            for other in others:
                if len(other):
                    yield self._cell(table, int(view), own, other)

    def _cell(self, table: Table, view: int, probes: Indices, gallery: Indices) -> _Cell:
        precise = any(not name.startswith("rank_") for name in table.figures)
        ranks, ap, inp = [], [], []
        for start in range(0, len(probes), _BLOCK):
            some = probes[start : start + _BLOCK]
            distances = distance_matrix(self._values[some], self._values[gallery], self._metric)
            is_match = torch.from_numpy(self._identities[some, None] == self._identities[None, gallery])
            # No probe is compared with itself.
            left_out = torch.from_numpy(some[:, None] == gallery[None])
            if table.kind != "view_pairs" and table.identical_views is False:
                same_view = torch.from_numpy(self._views[some, None] == self._views[None, gallery])
                left_out |= is_match & same_view
            distances, is_match = distances.masked_fill(left_out, torch.inf), is_match & ~left_out
            ranks.append(first_match_rank(distances, is_match))
            if precise:
                precision = average_precision(distances, is_match)
                ap.append(precision.ap)
                inp.append(precision.inp)
        rank = torch.cat(ranks)
        figures: dict[str, float | None] = {
            name: _share(rank, int(name.removeprefix("rank_")), table.unmatched_are_wrong)
            if name.startswith("rank_")
            else _defined_mean(torch.cat(ap if name == "mean_ap" else inp))
            for name in table.figures
        }
        if table.kind != "pooled":
            # As the published figures: every cell is rounded to 0.01 percent before the mean over cells.
            figures = {name: value if value is None else round(value, 4) for name, value in figures.items()}
        return _Cell(view, figures, probes[(rank == 0).numpy()])


@dataclass(frozen=True)
class _Cell:
    view: int
    figures: dict[str, float | None]
    unmatched: Indices


def _share(rank: Tensor, k: int, unmatched_are_wrong: bool) -> float | None:
    counted = len(rank) if unmatched_are_wrong else int((rank > 0).sum())
    return int(((rank > 0) & (rank <= k)).sum()) / counted if counted else None


def _defined_mean(values: Tensor) -> float | None:
    defined = values[~values.isnan()]
    return float(defined.mean()) if len(defined) else None


def _by_view(cells: Sequence[_Cell], names: NDArray[np.str_], figure: str = "rank_1") -> dict[str, float | None]:
    """Mean over the cells of each probe view."""
    views = sorted({cell.view for cell in cells})
    return {str(names[v]): _mean(cell.figures[figure] for cell in cells if cell.view == v) for v in views}


def _mean(values: Iterator[float | None] | Collection[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def conditions_of(keys: Sequence[Key]) -> list[str]:
    """The conditions that sequences have, sorted."""
    return sorted({key.condition for key in keys})
