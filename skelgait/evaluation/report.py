"""What an evaluation comes to: metrics by table and group, and how many sequences they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from skelgait.datasets.protocol import Kind
from skelgait.evaluation.ranks import GroupRanks
from skelgait.storage import Key

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Roc:
    """True accepts against false ones, thinned out for drawing.

    Attributes:
        false: shares of the pairs of two people that are accepted, ascending.
        true: shares of the pairs of one person that are accepted.
        thresholds: the distances up to which pairs are accepted.
        n_genuine: pairs of one person.
        n_impostor: pairs of two people.
    """

    false: list[float]
    true: list[float]
    thresholds: list[float]
    n_genuine: int
    n_impostor: int


@dataclass(frozen=True)
class GroupReport:
    """How a group of probes is recognized; metrics are in [0, 1], and None where no probe counts.

    Attributes:
        name: the group's name.
        metrics: each metric.
        n_probes: probes.
        n_gallery: gallery entries.
        smallest_gallery: entries of the smallest gallery that probes are compared with, as that of a view.
        n_unmatched: probes for which no true match was left in some gallery that they were compared with.
        unmatched: the same by reason.
        left_out: pairs of a probe and its true match that were not compared, by reason.
        intervals: 95 % bootstrap intervals over probes, of the metrics that have one.
        by_view: each metric of each probe view, where the table goes by views.
        by_view_pair: each metric, by probe view, by gallery view, where the table goes by view pairs.
        by_condition: each metric over the probes of each condition.
        cmc: rank-1, rank-2, ...: the cumulative matching characteristic.
        roc: for verification.
    """

    name: str
    metrics: Metrics
    n_probes: int
    n_gallery: int
    smallest_gallery: int = 0
    n_unmatched: int = 0
    unmatched: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    by_view: Mapping[str, Metrics] = field(default_factory=dict)
    by_view_pair: Mapping[str, Mapping[str, Metrics]] = field(default_factory=dict)
    by_condition: Mapping[str, Metrics] = field(default_factory=dict)
    cmc: tuple[float | None, ...] = ()
    roc: Roc | None = None


@dataclass(frozen=True)
class TableReport:
    """A table carried out.

    Attributes:
        title: its title.
        kind: its kind.
        groups: its groups.
        ranks: the ranks of each group's probes; none for verification.
        unmatched_are_wrong: whether a probe without a true match counts in rank-k.
    """

    title: str
    kind: Kind
    groups: tuple[GroupReport, ...]
    ranks: tuple[GroupRanks | None, ...] = ()
    unmatched_are_wrong: bool = True


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation.

    Attributes:
        protocol: the protocol's name.
        distance: the distance.
        tables: its tables.
        published: rank-1 of the first table as published, in [0, 1], by network and group.
        n_sequences: sequences of the test identities that are compared.
        n_cut: those longer than what was used of them.
        is_reranked: whether distances were re-ranked.
        notes: what a reader of the metrics should know.
        keys: the sequences, by the numbers that ranks have for them.
    """

    protocol: str
    distance: str
    tables: tuple[TableReport, ...]
    published: Mapping[str, Mapping[str, float]]
    n_sequences: int
    n_cut: int
    is_reranked: bool = False
    notes: tuple[str, ...] = ()
    keys: Sequence[Key] = ()

    def to_dict(self) -> dict[str, object]:
        """The report as plain dicts, lists, strings and numbers."""
        tables = [
            {"title": table.title, "kind": table.kind, "groups": [asdict(group) for group in table.groups]}
            for table in self.tables
        ]
        return {**self._facts(), "tables": tables}

    def summary(self) -> dict[str, object]:
        """As `to_dict`, with the metrics alone of each group."""
        tables = [
            {"title": table.title, "groups": [{"name": g.name, "metrics": dict(g.metrics)} for g in table.groups]}
            for table in self.tables
        ]
        return {**self._facts(), "tables": tables}

    def _facts(self) -> dict[str, object]:
        own = {name: value for name, value in vars(self).items() if name not in ("tables", "keys")}
        return {**own, "published": {name: dict(of) for name, of in self.published.items()}, "notes": list(self.notes)}
