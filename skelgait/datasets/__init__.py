"""Datasets as data: file patterns, official partition, protocol and published metrics of each."""

from __future__ import annotations

from difflib import get_close_matches

from skelgait.datasets.casia_b import CASIA_B
from skelgait.datasets.ccpg import CCPG
from skelgait.datasets.custom import all_sequences_protocol, custom_protocol, open_set_protocol, verification_protocol
from skelgait.datasets.dataset import Dataset, SyntheticLayout
from skelgait.datasets.gait3d import GAIT3D
from skelgait.datasets.grew import GREW
from skelgait.datasets.oumvlp import OUMVLP
from skelgait.datasets.partition import Partition, load_partition
from skelgait.datasets.protocol import Group, Protocol, PublishedResult, Submission, Table
from skelgait.datasets.sustech1k import SUSTECH1K
from skelgait.errors import SettingsError

__all__ = [
    "DATASETS",
    "Dataset",
    "Group",
    "Partition",
    "Protocol",
    "PublishedResult",
    "Submission",
    "SyntheticLayout",
    "Table",
    "all_sequences_protocol",
    "custom_protocol",
    "find_dataset",
    "load_partition",
    "open_set_protocol",
    "verification_protocol",
]  # fmt: skip

DATASETS = {dataset.name: dataset for dataset in (CCPG, OUMVLP, SUSTECH1K, GAIT3D, GREW, CASIA_B)}

_BY_SPELLING = {
    spelling.lower(): dataset for dataset in DATASETS.values() for spelling in (dataset.name, *dataset.aliases)
}


def find_dataset(name: str) -> Dataset:
    """Return the dataset of a name or alias, ignoring case.

    Args:
        name: name or alias, for example CCPG or OU-MVLP.

    Raises:
        SettingsError: if there is none; it suggests the most similar name.
    """
    if name.lower() in _BY_SPELLING:
        return _BY_SPELLING[name.lower()]
    near = get_close_matches(name.lower(), _BY_SPELLING, n=1)
    hint = f"did you mean {_BY_SPELLING[near[0]].name}?" if near else "omit it for your own data"
    raise SettingsError("--dataset", name, f"one of {', '.join(DATASETS)}", hint)
