"""Gait3D: 4000 people in a supermarket, 39 cameras (Zheng et al., CVPR 2022)."""

from __future__ import annotations

from importlib.resources import files

from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.partition import Partition, numbered
from skelgait.datasets.protocol import MODEL_ZOO, PAPER_AND_PAGE, Group, Protocol, Table, published


def _partition() -> Partition:
    """Return the official partition. Its file lists 1000 probes as identity:camera.video.sequence."""
    probes = set()
    for entry in files("skelgait.datasets").joinpath("gait3d_probes.txt").read_text(encoding="utf-8").split():
        identity, walk = entry.split(":")
        camera, video, sequence = walk.split(".")
        probes.add((identity, f"camid{camera}_videoid{video}", f"seq{sequence}"))
    test = frozenset(identity for identity, _, _ in probes)
    return Partition(numbered(0, 3999, 4) - test, test, frozenset(probes))


GAIT3D = Dataset(
    name="Gait3D",
    keys=r"\d{4}/camid\d+_videoid\d+/seq\d+",
    partition=_partition,
    protocol=Protocol(
        "Gait3D",
        tables=(
            Table(
                "Named probes among all other sequences",
                "pooled",
                (Group("Gait3D", (), ("*",)),),
                ("rank_1", "rank_5", "rank_10", "mean_ap", "mean_inp"),
                identical_views=True,
                unmatched_are_wrong=False,
            ),
        ),
        published=(
            published("skeletongait", PAPER_AND_PAGE, "Gait3D", "38.1"),
            published("skeletongait++", PAPER_AND_PAGE, "Gait3D", "77.40"),
            published("skeletongait++", MODEL_ZOO, "Gait3D", "77.6"),
        ),
    ),
    synthetic_layout=SyntheticLayout(
        conditions={"normal": tuple(f"camid{camera}_videoid2" for camera in range(4))},
        views=("seq0", "seq1"),
        angles_deg=(0.0, 60.0),
    ),
)
