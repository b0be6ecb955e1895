"""SUSTech1K: 1050 people, 12 views, with lidar (Shen et al., CVPR 2023)."""

from __future__ import annotations

from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.partition import Partition, numbered
from skelgait.datasets.protocol import MODEL_ZOO, PAPER_AND_PAGE, Group, Protocol, Table, published

# The 250 training identities, as differences between consecutive numbers.
_TRAIN_STEPS = (
    "0 2 3 13 3 5 7 6 1 4 2 1 3 2 8 2 4 7 2 3 2 12 1 3 1 5 1 13 2 8 2 16 5 2 2 1 2 1 1 6 1 3 1 5 6 3 10 1 2 3 2 2 1 "
    "4 4 8 6 1 4 1 11 10 4 10 1 14 2 3 2 2 2 2 2 4 5 5 4 3 2 1 2 2 2 14 6 4 5 1 3 7 5 7 1 15 7 10 9 4 9 4 2 1 3 8 5 "
    "1 6 4 5 1 4 10 5 2 1 1 5 12 7 1 3 8 2 2 3 4 1 1 1 4 1 1 2 2 2 18 4 2 1 1 6 6 3 5 5 1 1 4 15 1 2 2 1 4 8 4 2 9 "
    "1 6 4 2 10 8 6 1 5 10 3 1 2 3 5 25 1 2 1 7 3 3 6 1 3 8 1 4 9 5 1 12 5 2 9 2 3 1 1 4 3 7 2 1 2 3 1 7 7 1 4 9 7 "
    "2 1 1 10 4 1 2 8 5 4 1 1 4 3 8 6 1 3 1 3 5 1 3 14 1 5 2 7 2 2 4 5 2 1 9 2 8 10 1"
)
# Numbers up to 1057 that are not used.
_UNUSED = "0352 1047 1048 1050 1051 1052 1053 1054"

_GALLERY = ("*00-nm*",)
_PROBES = {
    "Normal": "*01-nm*",
    "Bag": "*bg*",
    "Clothing": "*cl*",
    "Carrying": "*cr*",
    "Umbrella": "*ub*",
    "Uniform": "*uf*",
    "Occlusion": "*oc*",
    "Night": "*nt*",
}
_NAMES = " ".join((*_PROBES, "Overall"))
_CHECKPOINT = f"{MODEL_ZOO}, SkeletonGaitPP_30_DA-50000.pt"
_GROUPS = (
    *(Group(name, (pattern,), _GALLERY) for name, pattern in _PROBES.items()),
    Group("Overall", ("*01*", "*02*", "*03*", "*04*"), _GALLERY),
)


def _partition() -> Partition:
    number, train = 0, set()
    for step in _TRAIN_STEPS.split():
        number += int(step)
        train.add(f"{number:04d}")
    identities = numbered(0, 1057, 4) - set(_UNUSED.split())
    return Partition(frozenset(train), identities - train)


SUSTECH1K = Dataset(
    name="SUSTech1K",
    keys=r"\d{4}/\d{2}-[a-z]{2}.*/.+",
    partition=_partition,
    protocol=Protocol(
        "SUSTech1K",
        tables=(
            Table(
                "By view pair, identical views left out",
                "view_pairs",
                _GROUPS,
                ("rank_1", "rank_2", "rank_3", "rank_4", "rank_5"),
            ),
        ),
        published=(
            published("skeletongait", PAPER_AND_PAGE, _NAMES, "54.2 51.7 21.34 51.59 44.5 53.37 67.07 44.15 51.46"),
            published(
                "skeletongait++", PAPER_AND_PAGE, _NAMES, "85.09 82.90 46.53 81.88 80.76 82.50 86.16 47.48 81.33"
            ),
            published("skeletongait++", _CHECKPOINT, _NAMES, "89.1 87.2 55.3 85.3 87.3 87.6 91.3 47.9 85.6"),
            published("skeletongait++", _CHECKPOINT, "Overall", "95.0", metric="rank_5"),
        ),
    ),
    synthetic_layout=SyntheticLayout(
        conditions={"normal": ("00-nm", "01-nm"), "bag": ("02-bg", "01-bg"), "coat": ("03-cl", "02-cl")},
        views=("000", "045", "090", "135", "180", "225", "270", "315"),
        angles_deg=(0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0),
        pose_file="03-{view}-Camera-Pose",
        silhouette_file="06-{view}-Camera-Sils_aligned",
    ),
    # The files 11-sync-* and 14-sync-* have another frame rate, and can only be paired with each other.
    pose_pattern="03-*-Camera-Pose.pkl",
    silhouette_pattern="06-*Camera-Sils_aligned.pkl",
)
