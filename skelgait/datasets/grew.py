"""GREW: 26000 people in the wild, whose test identities are on a server (Zhu et al., ICCV 2021)."""

from __future__ import annotations

from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.partition import Partition, numbered
from skelgait.datasets.protocol import MODEL_ZOO, PAPER, PAPER_AND_PAGE, Group, Protocol, Submission, Table, published


def _partition() -> Partition:
    return Partition(numbered(1, 20000, 5, "train"), numbered(1, 6000, 5) | {"probe"})


GREW = Dataset(
    name="GREW",
    keys=r"(\d{5}train/00|\d{5}/0[12]|probe/03)/.+",
    partition=_partition,
    protocol=Protocol(
        "GREW",
        tables=(
            Table(
                "Local: second sequences among the first",
                "pooled",
                (Group("GREW", ("02",), ("01",)),),
                ("rank_1", "rank_5", "rank_10", "rank_20"),
                identical_views=True,
            ),
        ),
        published=(
            published("skeletongait", PAPER, "GREW", "77.4"),
            published("skeletongait++", PAPER_AND_PAGE, "GREW", "87.04"),
            published("skeletongait++", MODEL_ZOO, "GREW", "85.8"),
        ),
        submission=Submission(probes=("03",), gallery=("01", "02")),
    ),
    synthetic_layout=SyntheticLayout(
        conditions={"normal": ("01", "02")},
        views=("view1", "view2", "view3", "view4"),
        angles_deg=(0.0, 45.0, 90.0, 135.0),
        leading_values=True,
        unnamed={"probe": "03"},
    ),
)
