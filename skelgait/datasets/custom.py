"""A protocol for one's own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skelgait.datasets.protocol import Group, Protocol, Table


def custom_protocol(gallery: Sequence[str], probes: Mapping[str, Sequence[str]]) -> Protocol:
    """Rank-1 across views, within a view, and over all.

    Args:
        gallery: patterns of the enrolled conditions, such as `nm-0[1-4]`.
        probes: patterns of the conditions of each named group of probes.
    """
    groups = tuple(Group(name, tuple(patterns), tuple(gallery)) for name, patterns in probes.items())
    return Protocol(
        "custom",
        tables=(
            Table("Across views: probe and gallery of different views", "view_pairs", groups),
            Table("Within a view: probe and gallery of the same view", "view_pairs", groups, identical_views="only"),
            Table("Over all: the gallery of all views", "pooled", groups, identical_views=True),
        ),
    )
