"""Numbers of pairs of a verification in the HDF5 file of an evaluation, for comparisons.

`bins`, `genuine` and `impostor` (n,) are those of `BinCounts`; `wide` (n,), `genuine_by_group`, `impostor_by_probe`
and `impostor_by_gallery` (M, K) those of `PairCounts`; `people` are the identities of the probes and the gallery as
UTF-8 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from skelgait.datasets import Table
from skelgait.evaluation.verification import GroupRates
from skelgait.matching.pair_counts import PairCounts
from skelgait.matching.verification import BinCounts
from skelgait.storage.hdf5_file import write_table
from skelgait.storage.hdf5_reader import read_number, read_text

_OF_ALL, _BY_GROUP = (
    ("bins", "genuine", "impostor", "wide"),
    ("genuine_by_group", "impostor_by_probe", "impostor_by_gallery"),
)


@dataclass(frozen=True, eq=False)
class StoredRates:
    """Numbers of pairs of a group.

    Attributes:
        table: rules of its metrics, without groups.
        group: name of the group.
        people: identities of the probes and the gallery, sorted.
        n_probes: number of probes.
        n_gallery: number of gallery entries.
        counts: numbers of pairs by distance and by group of people.
    """

    table: Table
    group: str
    people: list[str]
    n_probes: int
    n_gallery: int
    counts: PairCounts


def write_rates(group: h5py.Group, rates: GroupRates) -> None:
    """Write the numbers of pairs into an HDF5 group."""
    pairs, counts = rates.counts.all_pairs, rates.counts
    arrays = (
        pairs.bins,
        pairs.genuine,
        pairs.impostor,
        counts.wide,
        counts.genuine,
        counts.by_probe,
        counts.by_gallery,
    )
    for name, array in zip((*_OF_ALL, *_BY_GROUP), arrays, strict=True):
        write_table(group, name, np.asarray(array), "gzip")
    write_table(group, "people", np.array([name.encode() for name in rates.people], np.bytes_))


def read_rates(group: h5py.Group, table: Table) -> StoredRates:
    """Read the numbers of pairs from an HDF5 group.

    Raises:
        ValueError: if they do not fit together.
    """
    of_all, by_group = ([np.asarray(group[name][:], np.int64) for name in names] for names in (_OF_ALL, _BY_GROUP))
    people = [name.decode() for name in group["people"][:].tolist()]
    *numbers, wide = of_all
    if {array.shape for array in of_all} != {(len(wide),)}:
        raise ValueError(f"arrays of different lengths in {group.name}")
    if {array.shape for array in by_group} != {(len(by_group[0]), int(wide.max(initial=-1)) + 1)}:
        raise ValueError(f"arrays of unexpected shape in {group.name}")
    n_probes, n_gallery = (read_number(group, name) for name in ("n_probes", "n_gallery"))
    return StoredRates(
        table, read_text(group, "group"), people, n_probes, n_gallery, PairCounts(BinCounts(*numbers), wide, *by_group)
    )
