"""CASIA-B: 124 people, 11 views, with bags and coats (Yu et al., ICPR 2006)."""

from __future__ import annotations

from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.partition import Partition, numbered
from skelgait.datasets.protocol import Group, Protocol, Table

_VIEWS = tuple(f"{angle:03d}" for angle in range(0, 181, 18))
_GALLERY = ("nm-01", "nm-02", "nm-03", "nm-04")
_CROSS_VIEW_GALLERY = ("nm-02", "bg-02", "cl-02")


def _partition() -> Partition:
    return Partition(numbered(1, 74, 3), numbered(75, 124, 3))


CASIA_B = Dataset(
    name="CASIA-B",
    aliases=("CASIAB", "CASIA_B"),
    keys=r"\d{3}/(nm|bg|cl)-\d{2}/\d{3}",
    partition=_partition,
    protocol=Protocol(
        "CASIA-B",
        tables=(
            Table(
                "Rank-1 by view pair, identical views left out",
                "view_pairs",
                (
                    Group("NM", ("nm-05", "nm-06"), _GALLERY),
                    Group("BG", ("bg-01", "bg-02"), _GALLERY),
                    Group("CL", ("cl-01", "cl-02"), _GALLERY),
                ),
            ),
            Table(
                "Cross-view gallery",
                "cross_view_gallery",
                (
                    Group("NM", ("nm-01",), _CROSS_VIEW_GALLERY),
                    Group("BG", ("bg-01",), _CROSS_VIEW_GALLERY),
                    Group("CL", ("cl-01",), _CROSS_VIEW_GALLERY),
                ),
                ("rank_1", "mean_ap"),
            ),
        ),
    ),
    synthetic_layout=SyntheticLayout(
        conditions={
            # The first sequence is a gallery sequence, the second is a probe.
            "normal": ("nm-01", "nm-05", "nm-02", "nm-06", "nm-03", "nm-04"),
            "bag": ("bg-01", "bg-02"),
            "coat": ("cl-01", "cl-02"),
        },
        views=_VIEWS,
        angles_deg=tuple(float(view) for view in _VIEWS),
    ),
)
