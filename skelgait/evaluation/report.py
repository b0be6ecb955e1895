"""Results of an evaluation: metrics by table and group, and the numbers of sequences they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from skelgait.datasets import PublishedResult
from skelgait.datasets.identities import MissingPeople
from skelgait.datasets.protocol import Kind
from skelgait.display import Row, Tabular
from skelgait.evaluation.ranks import GroupRanks
from skelgait.evaluation.verification import GroupRates
from skelgait.storage import Key

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Roc:
    """ROC curve: true accept rate by false accept rate.

    Its points are all corners of the curve from (0, 0) to (1, 1). The curve is straight between two points.

    Attributes:
        false_accept_rates: shares of the impostor pairs that are accepted, in [0, 1], ascending.
        true_accept_rates: shares of the genuine pairs that are accepted, in [0, 1].
        thresholds: distances up to which a pair is accepted; -1: no pair is accepted.
        n_genuine: number of pairs of one person.
        n_impostor: number of pairs of two people.
    """

    false_accept_rates: list[float]
    true_accept_rates: list[float]
    thresholds: list[float]
    n_genuine: int
    n_impostor: int


@dataclass(frozen=True)
class OpenSet:
    """Curves of an open set, and the numbers they rest on. Rates are means over the enrollments, in [0, 1].

    Attributes:
        false_positive_rates: false positive identification rates (FPIR), ascending; the first is that of one search.
        false_negative_rates: smallest false negative identification rate (FNIR) at each FPIR.
        detection_rates: largest detection and identification rate (DIR) at rank 1 at each FPIR.
        n_people: number of people in the gallery.
        n_enrolled: number of them who are enrolled each time.
        n_mated: number of searches for people who are enrolled, in each enrollment.
        n_non_mated: number of searches for people who are not enrolled, likewise.
        n_left_out: number of probes of people in the gallery without an entry to compare with.
        by_enrollment: metrics of each enrollment.
    """

    false_positive_rates: list[float]
    false_negative_rates: list[float]
    detection_rates: list[float]
    n_people: int
    n_enrolled: int
    n_mated: list[int]
    n_non_mated: list[int]
    n_left_out: int
    by_enrollment: list[Metrics]


@dataclass(frozen=True)
class GroupReport:
    """Results of one group of probes. Metrics are None if no probe counts.

    Attributes:
        name: name of the group.
        metrics: value of each metric, by name.
        n_probes: number of probes.
        n_gallery: number of gallery entries.
        smallest_gallery: number of entries of the smallest gallery that probes are compared with, such as one view.
        n_unmatched: number of probes without a true match in some gallery that they are compared with.
        unmatched: the same number by reason.
        excluded_pairs: number of excluded pairs of a probe and a true match, by reason.
        intervals: 95 % bootstrap intervals by metric, over probes, or over people in a verification
            or an open set.
        by_view: metrics of each probe view, if the table goes by views.
        by_view_pair: metrics of each probe view and gallery view, if the table goes by view pairs.
        by_condition: metrics of the probes of each condition.
        cmc: cumulative matching characteristic: rank-1, rank-2, ...
        roc: ROC curve of a verification; None for other tables.
        open_set: curves of an open set; None for other tables.
    """

    name: str
    metrics: Metrics
    n_probes: int
    n_gallery: int
    smallest_gallery: int = 0
    n_unmatched: int = 0
    unmatched: Mapping[str, int] = field(default_factory=dict)
    excluded_pairs: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    by_view: Mapping[str, Metrics] = field(default_factory=dict)
    by_view_pair: Mapping[str, Mapping[str, Metrics]] = field(default_factory=dict)
    by_condition: Mapping[str, Metrics] = field(default_factory=dict)
    cmc: tuple[float | None, ...] = ()
    roc: Roc | None = None
    open_set: OpenSet | None = None


@dataclass(frozen=True)
class TableReport:
    """Results of one table of a protocol.

    Attributes:
        title: title of the table.
        kind: kind of the table.
        groups: results of its groups.
        ranks: ranks of the probes of each group; None for verification.
        rates: numbers of pairs of each group; None for other tables.
        unmatched_are_wrong: True if a probe without a true match counts as wrong in rank-k.
    """

    title: str
    kind: Kind
    groups: tuple[GroupReport, ...]
    ranks: tuple[GroupRanks | None, ...] = ()
    rates: tuple[GroupRates | None, ...] = ()
    unmatched_are_wrong: bool = True


@dataclass(frozen=True, repr=False)
class EvaluationReport(Tabular):
    """Results of an evaluation.

    `to_dict` gives the content of `report.json`. Its keys are the attributes of this class except `keys`; each table
    has `title`, `kind` and `groups`; the keys of a group are the attributes of `GroupReport`, and those of `roc` and
    `open_set` the attributes of `Roc` and `OpenSet`. Metrics are fractions in [0, 1], or null if no probe counts.
    `skelgait evaluate` adds `format` (version of the format), `network`, `iteration`, `embedding` (1 or 2),
    `evaluated_file` (the checkpoint or embedding file) and `origin` (date, version, checkpoint, data and command).

    Attributes:
        protocol: name of the protocol.
        distance: name of the distance.
        tables: results of its tables.
        published: published results, each with its source.
        n_sequences: number of sequences that are compared.
        n_truncated: number of sequences that were cut to the maximum number of frames.
        reranked: True if distances were re-ranked.
        notes: remarks on the metrics.
        keys: sequences, by the indices in the ranks.
        missing: listed test people without any sequence; None: all are there.
        incomparable: reasons why the metrics cannot be compared with published results; no difference is shown then.
    """

    protocol: str
    distance: str
    tables: tuple[TableReport, ...]
    published: Sequence[PublishedResult]
    n_sequences: int
    n_truncated: int
    reranked: bool = False
    notes: tuple[str, ...] = ()
    keys: Sequence[Key] = ()
    missing: MissingPeople | None = None
    incomparable: tuple[str, ...] = ()

    def with_incomparable(self, reasons: Sequence[str], network: str) -> EvaluationReport:
        """Return the report with more reasons why it cannot be compared with published results, and a note on them.

        Args:
            reasons: reasons, one phrase each.
            network: name of the network; there is no note if nothing is published for it.
        """
        incomparable = (*self.incomparable, *reasons)
        notes = self.notes
        if incomparable and any(result.network == network for result in self.published):
            notes = (*notes, f"no difference to published results: {'; '.join(incomparable)}")
        return replace(self, incomparable=incomparable, notes=notes)

    def headline(self) -> str:
        """Return protocol, distance and number of sequences."""
        return f"{self.protocol}, {self.distance} distance, {self.n_sequences} sequences"

    def rows(self) -> list[Row]:
        """Return one row for each table and group; metrics are in [0, 1]."""
        return [
            {
                "table": table.title,
                "group": group.name,
                **group.metrics,
                "n_probes": group.n_probes,
                "n_gallery": group.n_gallery,
                "n_unmatched": group.n_unmatched,
            }
            for table in self.tables
            for group in table.groups
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain dicts, lists, strings and numbers."""
        tables = [
            {"title": table.title, "kind": table.kind, "groups": [asdict(group) for group in table.groups]}
            for table in self.tables
        ]
        return {**self._facts(), "tables": tables}

    def summary(self) -> dict[str, object]:
        """Return the report like `to_dict`, with only name and metrics of each group."""
        tables = [
            {"title": table.title, "groups": [{"name": g.name, "metrics": dict(g.metrics)} for g in table.groups]}
            for table in self.tables
        ]
        return {**self._facts(), "tables": tables}

    def _facts(self) -> dict[str, object]:
        facts = {name: value for name, value in vars(self).items() if name not in ("tables", "keys")}
        published, missing = list(map(asdict, self.published)), asdict(self.missing) if self.missing else None
        sentences = {"notes": list(self.notes), "incomparable": list(self.incomparable)}
        return {**facts, "published": published, "missing": missing, **sentences}
