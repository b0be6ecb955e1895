"""Protocols of no dataset: for one's own data, and for verification."""

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


def verification_protocol(of: Protocol) -> Protocol:
    """Are two sequences of one person? Over all pairs of the groups of a protocol's first table.

    Args:
        of: the protocol; its rule for pairs of one view is kept where it leaves them out of a whole gallery.
    """
    first = of.tables[0]
    leaves_out = first.kind in ("pooled", "cross_view_gallery") and first.identical_views is False
    return Protocol(
        f"{of.name} verification",
        tables=(
            Table(
                "Verification: pairs of one person against pairs of two",
                "verification",
                first.groups,
                ("eer", "tar_at_far_0.1", "tar_at_far_0.01", "tar_at_far_0.001"),
                identical_views=not leaves_out,
            ),
        ),
        camera_of_view=of.camera_of_view,
    )
