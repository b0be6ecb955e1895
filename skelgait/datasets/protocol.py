"""What an evaluation protocol is: a description, which `skelgait.evaluation` carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["view_pairs", "cross_view_gallery", "pooled", "verification"]


@dataclass(frozen=True)
class Group:
    """Who is recognized among whom.

    Attributes:
        name: the group's name in reports.
        probes: patterns (as of shell file names) of the conditions to be recognized; none where the partition
            names the probes one by one.
        gallery: patterns of the enrolled conditions. A sequence that fits both is in both, but is not compared with
            itself; probes that the partition names are not in the gallery.
    """

    name: str
    probes: tuple[str, ...]
    gallery: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One way to score groups of probes.

    Attributes:
        title: the table's title in reports.
        kind: `view_pairs`: each probe view against each gallery view on its own, then the mean over the pairs;
            `cross_view_gallery`: each probe against the whole gallery, then the mean over probe views;
            `pooled`: each probe against the whole gallery, then the mean over probes;
            `verification`: whether a probe and a gallery entry are of one person, over all pairs.
        groups: the groups that are scored.
        metrics: what is reported: eer and tar_at_far_x for `verification`, the others for all other kinds.
        identical_views: for `view_pairs`, whether pairs of one view count (or they alone); for the others, False leaves
            out the gallery entries of the probe's own identity and view.
        unmatched_are_wrong: whether a probe without a true match in its gallery counts as not recognized in rank-k, or
            not at all; it never counts in mean_ap and mean_inp.
    """

    title: str
    kind: Kind
    groups: tuple[Group, ...]
    metrics: tuple[str, ...] = ("rank_1",)
    identical_views: Literal[True, False, "only"] = False
    unmatched_are_wrong: bool = True


@dataclass(frozen=True)
class Submission:
    """A ranking that somebody else scores.

    Attributes:
        probes: patterns of the conditions to be recognized; a probe is named by its view.
        gallery: patterns of the enrolled conditions.
        ranks: how many gallery entries are listed for each probe.
    """

    probes: tuple[str, ...]
    gallery: tuple[str, ...]
    ranks: int = 20


@dataclass(frozen=True)
class Protocol:
    """How a dataset is evaluated.

    Attributes:
        name: the protocol's name.
        tables: what is computed; the first table is the one that papers publish.
        camera_of_view: whether only the part of the view before `_` tells the camera.
        published: rank-1 of the first table as published, in [0, 1], by network and group.
        submission: a ranking for a server, if the dataset has one.
    """

    name: str
    tables: tuple[Table, ...]
    camera_of_view: bool = False
    published: dict[str, dict[str, float]] = field(default_factory=dict)
    submission: Submission | None = None

    def patterns(self) -> set[str]:
        """Patterns of all conditions that are compared."""
        parts = [group for table in self.tables for group in table.groups]
        if self.submission:
            parts.append(Group("submission", self.submission.probes, self.submission.gallery))
        return {pattern for part in parts for pattern in (*part.probes, *part.gallery)}


def published(groups: str, rank_1: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return published rank-1 in [0, 1], by network and group.

    Args:
        groups: names of the groups, separated by spaces.
        rank_1: by network, rank-1 of each group in percent, separated by spaces.
    """
    return {
        network: {name: float(percent) / 100 for name, percent in zip(groups.split(), row.split(), strict=True)}
        for network, row in rank_1.items()
    }
