"""CCPG: 200 people who change their clothes, 10 cameras (Li et al., CVPR 2023)."""

from __future__ import annotations

from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.partition import Partition, numbered
from skelgait.datasets.protocol import PAPER_AND_PAGE, Group, Protocol, Table, published

_GAIT_STYLE = "Gait style: by view pair, identical views left out"
_LATER_PAPER = "later paper, by the gait protocol"
_GROUPS = (
    Group("CL", ("U0_D0_BG", "U0_D0"), ("U1_D1", "U2_D2", "U3_D3")),
    Group("UP", ("U3_D3",), ("U0_D3",)),
    Group("DN", ("U1_D0",), ("U1_D1",)),
    Group("BG", ("U0_D0_BG",), ("U0_D0",)),
)


def _partition() -> Partition:
    return Partition(numbered(0, 99, 3), numbered(100, 199, 3))


CCPG = Dataset(
    name="CCPG",
    keys=r"\d{3}/U\d_D\d(_BG)?/.+",
    partition=_partition,
    protocol=Protocol(
        "CCPG",
        tables=(
            Table(
                "Re-identification style: gallery entries of the probe's identity and view left out",
                "pooled",
                _GROUPS,
                ("rank_1", "mean_ap", "mean_inp"),
                unmatched_are_wrong=False,
            ),
            Table(_GAIT_STYLE, "view_pairs", _GROUPS),
            Table("Gait style: by view pair, with identical views", "view_pairs", _GROUPS, identical_views=True),
        ),
        camera_prefix=True,
        published=(
            published("skeletongait", PAPER_AND_PAGE, "CL UP DN BG", "52.4 65.4 72.8 80.9"),
            published("skeletongait++", PAPER_AND_PAGE, "CL UP DN BG", "90.1 95.0 92.9 97.0"),
            published("skeletongait++", _LATER_PAPER, "CL UP DN BG", "79.1 83.9 81.7 89.9", table=_GAIT_STYLE),
        ),
    ),
    synthetic_layout=SyntheticLayout(
        conditions={"normal": ("U0_D0", "U0_D3"), "bag": ("U0_D0_BG",), "coat": ("U1_D1", "U3_D3", "U1_D0", "U2_D2")},
        views=tuple(f"{camera:02d}_0" for camera in range(1, 11)),
        angles_deg=tuple(float(angle) for angle in range(0, 181, 20)),
        silhouette_file="{view}-aligned-sils",
    ),
    silhouette_pattern="*aligned-sils.pkl",
)
