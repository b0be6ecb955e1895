"""What is known of each dataset, as data: files, partition, protocol, published metrics."""

from __future__ import annotations

from difflib import get_close_matches

from skelgait.datasets.casia_b import CASIA_B
from skelgait.datasets.ccpg import CCPG
from skelgait.datasets.custom import custom_protocol, verification_protocol
from skelgait.datasets.dataset import Dataset, Layout
from skelgait.datasets.gait3d import GAIT3D
from skelgait.datasets.grew import GREW
from skelgait.datasets.oumvlp import OUMVLP
from skelgait.datasets.partition import Partition, load_partition
from skelgait.datasets.protocol import Group, Protocol, Submission, Table
from skelgait.datasets.sustech1k import SUSTECH1K
from skelgait.errors import SettingsError

__all__ = [
    "DATASETS", "Dataset", "Group", "Layout", "Partition", "Protocol", "Submission", "Table",
    "custom_protocol", "find", "load_partition", "verification_protocol",
]  # fmt: skip

DATASETS = {dataset.name: dataset for dataset in (CCPG, OUMVLP, SUSTECH1K, GAIT3D, GREW, CASIA_B)}

_BY_SPELLING = {
    spelling.lower(): dataset for dataset in DATASETS.values() for spelling in (dataset.name, *dataset.aliases)
}


def find(name: str) -> Dataset:
    """The dataset of that name, in any case and under any of its aliases.

    Raises:
        SettingsError: there is none; names the nearest.
    """
    if name.lower() in _BY_SPELLING:
        return _BY_SPELLING[name.lower()]
    near = get_close_matches(name.lower(), _BY_SPELLING, n=1)
    hint = f"did you mean {_BY_SPELLING[near[0]].name}?" if near else "for your own data leave it out"
    raise SettingsError("--dataset", name, f"one of {', '.join(DATASETS)}", hint)
