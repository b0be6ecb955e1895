"""Evaluation protocol as data; `skelgait.evaluation` carries it out."""

# No postponed annotations: pydantic 2.5 cannot evaluate those of a dataclass of another module.
from dataclasses import dataclass
from typing import Literal

PAPER = "paper (Fan et al., AAAI 2024)"
PAPER_AND_PAGE = "paper (Fan et al., AAAI 2024) and configuration page of OpenGait"
MODEL_ZOO = "model zoo of OpenGait"
"""Sources of published results."""

Kind = Literal["view_pairs", "cross_view_gallery", "pooled", "verification", "open_set"]


@dataclass(frozen=True)
class Group:
    """Probes and gallery.

    Attributes:
        name: name of the group in reports.
        probes: patterns of the probe conditions, with the wildcards of file names; empty: the partition lists the
            probes.
        gallery: patterns of the gallery conditions. A sequence that matches both is in both, but is not compared with
            itself. Probes listed by the partition are not in the gallery.
    """

    name: str
    probes: tuple[str, ...]
    gallery: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Metrics of groups of probes under one set of rules.

    Attributes:
        title: title of the table in reports.
        kind: `view_pairs`: each probe view against each gallery view separately, mean over the pairs;
            `cross_view_gallery`: each probe against the whole gallery, mean over probe views;
            `pooled`: each probe against the whole gallery, mean over probes;
            `verification`: all pairs of a probe and a gallery entry;
            `open_set`: each probe against the gallery of the enrolled people, in several random enrollments.
        groups: groups of probes.
        metrics: names of metrics, see `skelgait.matching.metrics.METRICS`; those of the kind for
            `verification` and `open_set`, those of ranks for the other kinds.
        identical_views: for `view_pairs`: True: pairs of one view count, False: they do not, "only": no others count.
            For other kinds: False excludes gallery entries with the identity and the view of the probe.
        unmatched_are_wrong: True: a probe without a true match counts as wrong in rank-k; False: it does not count. It
            never counts in mean_ap and mean_inp.
        not_enrolled: for `open_set`: share of the people in the gallery who are not enrolled, in (0, 1); default: 0.5.
        draws: for `open_set`: number of random enrollments to average over; default: 10.
    """

    title: str
    kind: Kind
    groups: tuple[Group, ...]
    metrics: tuple[str, ...] = ("rank_1",)
    identical_views: Literal[True, False, "only"] = False
    unmatched_are_wrong: bool = True
    not_enrolled: float = 0.5
    draws: int = 10


@dataclass(frozen=True)
class Submission:
    """Ranking file that a server scores.

    Attributes:
        probes: patterns of the probe conditions; a probe is named by its view.
        gallery: patterns of the gallery conditions.
        ranks: number of gallery entries listed for each probe.
    """

    probes: tuple[str, ...]
    gallery: tuple[str, ...]
    ranks: int = 20


@dataclass(frozen=True)
class PublishedResult:
    """Published values of a metric.

    Attributes:
        network: name of the network.
        source: publication of the values.
        values: value in [0, 1] of each group.
        table: title of the table that has these groups; empty: the first one.
        metric: name of the metric.
    """

    network: str
    source: str
    values: dict[str, float]
    table: str = ""
    metric: str = "rank_1"


@dataclass(frozen=True)
class Protocol:
    """Evaluation protocol of a dataset.

    Attributes:
        name: name of the protocol.
        tables: tables of metrics; the first one is the table that papers publish.
        camera_prefix: True if only the part of a view before `_` is the camera.
        published: published results, each with its source.
        submission: ranking file for a server, if the dataset has one.
    """

    name: str
    tables: tuple[Table, ...]
    camera_prefix: bool = False
    published: tuple[PublishedResult, ...] = ()
    submission: Submission | None = None

    def patterns(self) -> set[str]:
        """Return the patterns of all conditions that are compared."""
        groups = [group for table in self.tables for group in table.groups]
        if self.submission:
            groups.append(Group("submission", self.submission.probes, self.submission.gallery))
        return {pattern for group in groups for pattern in (*group.probes, *group.gallery)}


def published(
    network: str, source: str, groups: str, percent: str, *, table: str = "", metric: str = "rank_1"
) -> PublishedResult:
    """Return a published result.

    Args:
        network: name of the network.
        source: publication of the numbers.
        groups: names of the groups, separated by spaces.
        percent: value of each group in percent, separated by spaces.
        table: title of the table; empty: the first one.
        metric: name of the metric.
    """
    values = {name: float(value) / 100 for name, value in zip(groups.split(), percent.split(), strict=True)}
    return PublishedResult(network, source, values, table, metric)
