"""Protocols for your own data, for verification and for open-set identification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from skelgait.datasets.protocol import Group, Protocol, Table

OPEN_SET_METRICS = (
    "dir_at_fpir_1",
    *(f"{name}_at_fpir_{rate}" for name in ("fnir", "dir") for rate in ("0.01", "0.001", "0.0001")),
)
"""Metrics of an open set: rank-1 of all mated searches, FNIR and DIR at rank 1 at FPIR 1, 0.1 and 0.01 %."""


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


def all_sequences_protocol() -> Protocol:
    """Return a protocol that compares every sequence with every other."""
    groups = (Group("All", ("*",), ("*",)),)
    return Protocol("all sequences", (Table("Each sequence among all others", "pooled", groups, identical_views=True),))


def verification_protocol(protocol: Protocol) -> Protocol:
    """Return a protocol that verifies all pairs of a probe and a gallery entry, in the groups of the first table.

    Args:
        protocol: protocol with these groups. If its first table excludes pairs of one view from the whole gallery, so
            does the result.
    """
    title = "Verification: pairs of one person against pairs of two"
    return _derived(
        protocol, Table(title, "verification", (), ("eer", "tar_at_far_0.1", "tar_at_far_0.01", "tar_at_far_0.001"))
    )


def open_set_protocol(protocol: Protocol, not_enrolled: float | None = None, draws: int | None = None) -> Protocol:
    """Return a protocol that searches for each probe among a part of the people, in the groups of the first table.

    Args:
        protocol: protocol with these groups; excluded pairs are those of `verification_protocol`.
        not_enrolled: share of the people in the gallery who are not enrolled, in (0, 1); default: 0.5.
        draws: number of random enrollments to average over; default: 10.
    """
    table = Table("", "open_set", (), OPEN_SET_METRICS)
    not_enrolled, draws = not_enrolled or table.not_enrolled, draws or table.draws
    title = f"Open set: {100 * not_enrolled:g} % of the people not enrolled, mean of {draws} random enrollments"
    return _derived(protocol, replace(table, title=title, not_enrolled=not_enrolled, draws=draws))


def _derived(protocol: Protocol, table: Table) -> Protocol:
    """Return a protocol of one table with the groups of the first table of `protocol`, named after its kind."""
    first = protocol.tables[0]
    excludes_same_view = first.kind in ("pooled", "cross_view_gallery") and first.identical_views is False
    table = replace(table, groups=first.groups, identical_views=not excludes_same_view)
    name = f"{protocol.name} {table.kind.replace('_', ' ')}"
    return Protocol(name, (table,), camera_prefix=protocol.camera_prefix)
