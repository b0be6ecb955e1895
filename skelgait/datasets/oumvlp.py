"""OU-MVLP: 10307 people, 14 views (Takemura et al., IPSJ 2018); its poses are OpenPose-18, An et al., TBIOM 2020."""

from __future__ import annotations

from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.partition import Partition, numbered
from skelgait.datasets.protocol import PAPER, Group, Protocol, Table, published

_ANGLES = (*range(0, 91, 15), *range(180, 271, 15))
_NM = (Group("NM", ("00",), ("01",)),)


def _partition() -> Partition:
    return Partition(numbered(1, 10305, 5, step=2), numbered(2, 10306, 5, step=2) | {"10307"})


OUMVLP = Dataset(
    name="OUMVLP",
    aliases=("OU-MVLP", "OU_MVLP"),
    keys=r"\d{5}/0[01]/\d{3}",
    partition=_partition,
    protocol=Protocol(
        "OUMVLP",
        tables=(
            Table("Rank-1 by view pair, identical views left out", "view_pairs", _NM),
            Table("Cross-view gallery", "cross_view_gallery", _NM, ("rank_1", "mean_ap")),
        ),
        published=(published("skeletongait", PAPER, "NM", "67.4"),),
    ),
    synthetic_layout=SyntheticLayout(
        conditions={"normal": ("00", "01")},
        views=tuple(f"{angle:03d}" for angle in _ANGLES),
        angles_deg=tuple(float(angle) for angle in _ANGLES),
        skeleton_joints=18,
    ),
)
