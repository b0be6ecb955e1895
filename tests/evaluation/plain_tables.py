"""Tables by plain loops over keys and a whole matrix of distances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Group, Table
from skelgait.evaluation.report import GroupReport
from skelgait.storage import Key

Values = Iterable[float | None]


@dataclass(frozen=True)
class Ranked:
    """A probe in one cell: the places of its true matches, from 1."""

    probe: int
    places: list[int]

    def value(self, metric: str, table: Table) -> float | None:
        """What it contributes; None where it does not count."""
        if not self.places:
            return 0.0 if metric.startswith("rank_") and table.unmatched_are_wrong else None
        if metric == "mean_ap":
            return sum(n / place for n, place in enumerate(self.places, 1)) / len(self.places)
        if metric == "mean_inp":
            return len(self.places) / self.places[-1]
        return float(self.places[0] <= int(metric.removeprefix("rank_")))


def mean(values: Values) -> float | None:
    """The mean of what is there; None where nothing is."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else None


@dataclass
class PlainGroup:
    """A group of a table.

    Attributes:
        keys: all sequences.
        distances: (N, N) of all of them; the rows of probes matter alone.
        table: the rules.
        group: who.
        camera_prefix: whether only the part of a view before `_` counts.
        named: the probes, where a partition names them.
    """

    keys: Sequence[Key]
    distances: NDArray[np.floating]
    table: Table
    group: Group
    camera_prefix: bool = False
    named: Collection[tuple[str, str, str]] = ()

    def __post_init__(self) -> None:
        self.probes = [i for i, key in enumerate(self.keys) if self.is_probe(key)]
        self.gallery = [
            j
            for j, key in enumerate(self.keys)
            if any(fnmatchcase(key.condition, pattern) for pattern in self.group.gallery)
            and (self.group.probes or not self.is_probe(key))
        ]
        self.cells = self.cells_of(self.probes)

    def is_probe(self, key: Key) -> bool:
        if not self.group.probes:
            return (key.identity, key.condition, key.view) in self.named
        return any(fnmatchcase(key.condition, pattern) for pattern in self.group.probes)

    def view(self, number: int) -> str:
        whole = self.keys[number].view
        return whole.split("_")[0] if self.camera_prefix else whole

    def are_one_person(self, i: int, j: int) -> bool:
        return self.keys[i].identity == self.keys[j].identity

    def why_left_out(self, i: int, j: int) -> str | None:
        """Why a pair of one person is left out of a gallery."""
        if i == j:
            return "the probe itself"
        if self.table.kind == "view_pairs":
            skipped = {True: (), False: (True,), "only": (False,)}[self.table.identical_views]
            is_skipped = (self.view(i) == self.view(j)) in skipped
            return "of two views that the table does not compare" if is_skipped else None
        if self.table.identical_views is False and self.view(i) == self.view(j):
            return "of the probe's own identity and view"
        return None

    def ranked(self, i: int, gallery: list[int]) -> Ranked:
        left = [j for j in gallery if not (self.are_one_person(i, j) and self.why_left_out(i, j))]
        left.sort(key=lambda j: (self.distances[i, j], j))
        return Ranked(i, [place for place, j in enumerate(left, 1) if self.are_one_person(i, j)])

    def cells_of(self, probes: list[int]) -> dict[tuple[str, str], list[Ranked]]:
        """By view of the probes and view of the gallery, which are "" where the table does not go by them."""
        cells: dict[tuple[str, str], list[Ranked]] = {}
        for i in probes:
            probe_view = "" if self.table.kind == "pooled" else self.view(i)
            others = {self.view(j) for j in self.gallery} if self.table.kind == "view_pairs" else {""}
            for other in sorted(others):
                rule = self.table.identical_views
                if self.table.kind == "view_pairs" and rule is not True and (probe_view == other) != (rule == "only"):
                    continue
                gallery = [j for j in self.gallery if not other or self.view(j) == other]
                if gallery:
                    cells.setdefault((probe_view, other), []).append(self.ranked(i, gallery))
        return cells

    def cell(self, metric: str, ranked: list[Ranked], rounded: bool = True) -> float | None:
        found = mean(entry.value(metric, self.table) for entry in ranked)
        return found if found is None or self.table.kind == "pooled" or not rounded else round(found, 4)

    def metric(self, name: str, cells: dict[tuple[str, str], list[Ranked]], rounded: bool = True) -> float | None:
        """The mean over probe views of the mean over gallery views."""
        return mean(
            mean(self.cell(name, ranked, rounded) for (row_view, _), ranked in cells.items() if row_view == view)
            for view in sorted({view for view, _ in cells})
        )

    def report(self) -> GroupReport:
        """What the group's report should be."""
        names = self.table.metrics
        views = sorted({self.view(i) for i in self.probes})
        others = sorted({self.view(j) for j in self.gallery})
        unmatched = {entry.probe for ranked in self.cells.values() for entry in ranked if not entry.places}
        enrolled = {self.keys[j].identity for j in self.gallery}
        reasons = Counter(
            "enrolled, but without a match in every gallery compared"
            if self.keys[i].identity in enrolled
            else "not enrolled"
            for i in unmatched
        )
        excluded_pairs = Counter(
            self.why_left_out(i, j) for i in self.probes for j in self.gallery if self.are_one_person(i, j)
        )
        conditions = sorted({self.keys[i].condition for i in self.probes})
        by_condition = {c: self.cells_of([i for i in self.probes if self.keys[i].condition == c]) for c in conditions}
        by_view = {v: {at: ranked for at, ranked in self.cells.items() if at[0] == v} for v in views}
        return GroupReport(
            name=self.group.name,
            metrics={name: self.metric(name, self.cells) for name in names},
            n_probes=len(self.probes),
            n_gallery=len(self.gallery),
            smallest_gallery=min(Counter(map(self.view, self.gallery)).values(), default=0)
            if self.table.kind == "view_pairs"
            else len(self.gallery),
            n_unmatched=len(unmatched),
            unmatched=dict(reasons),
            excluded_pairs={reason: n for reason, n in excluded_pairs.items() if reason},
            by_view={}
            if self.table.kind == "pooled"
            else {v: {name: self.metric(name, cells) for name in names} for v, cells in by_view.items()},
            by_view_pair={}
            if self.table.kind != "view_pairs"
            else {
                v: {w: {name: self.cell(name, self.cells.get((v, w), [])) for name in names} for w in others}
                for v in views
            },
            by_condition={
                c: {name: self.metric(name, entries) for name in names} for c, entries in by_condition.items()
            },
            cmc=tuple(self.metric(f"rank_{k}", self.cells, rounded=False) for k in range(1, 51)),
        )
