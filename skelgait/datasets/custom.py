"""Protocols for your own data and for verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skelgait.datasets.protocol import Group, Protocol, Table


def custom_protocol(gallery: Sequence[str], probes: Mapping[str, Sequence[str]]) -> Protocol:
    """Return a protocol with rank-1 across views, within a view, and over all views.

    Args:
        gallery: patterns of the gallery conditions, for example `nm-0[1-4]`.
        probes: patterns of the probe conditions of each group, by name of the group.
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


def verification_protocol(protocol: Protocol) -> Protocol:
    """Return a protocol that verifies all pairs of a probe and a gallery entry, in the groups of the first table.

    Args:
        protocol: protocol with these groups. If its first table excludes pairs of one view from the whole gallery, so
            does the result.
    """
    first = protocol.tables[0]
    excludes_same_view = first.kind in ("pooled", "cross_view_gallery") and first.identical_views is False
    return Protocol(
        f"{protocol.name} verification",
        tables=(
            Table(
                "Verification: pairs of one person against pairs of two",
                "verification",
                first.groups,
                ("eer", "tar_at_far_0.1", "tar_at_far_0.01", "tar_at_far_0.001"),
                identical_views=not excludes_same_view,
            ),
        ),
        camera_prefix=protocol.camera_prefix,
    )
