"""The ranks of all probes of an evaluation in one HDF5 file, from which its metrics can be computed again.

A group `<table>/<group>` by number holds `probes` (P, 3): identity, condition, view; `strata` (P,); `first` (P, V)
int32, and `ap` and `inp` (P, V) float32, see `skelgait.evaluation.ranks.GroupRanks`. Its attributes name table and
group, and say how the table's metrics follow.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from skelgait.datasets import Table
from skelgait.errors import DataError
from skelgait.evaluation import EvaluationReport
from skelgait.evaluation.ranks import GroupRanks
from skelgait.evaluation.test_sequences import Members
from skelgait.storage import Key
from skelgait.storage.hdf5_file import HDF5_ERRORS, create_hdf5
from skelgait.storage.shards import read_keys, write_keys

_FIGURE = re.compile(r"rank_[1-9]\d{0,8}|mean_ap|mean_inp")


@dataclass(frozen=True, eq=False)
class StoredRanks:
    """The ranks of a group.

    Attributes:
        table: the rules that its metrics follow; its groups are not told.
        group: name of the group.
        probes: the P probes.
        ranks: their ranks.
        n_gallery: gallery entries that they were compared with.
    """

    table: Table
    group: str
    probes: list[Key]
    ranks: GroupRanks
    n_gallery: int


def write_ranks(path: Path, evaluation: EvaluationReport) -> None:
    """Write the ranks of an evaluation, whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    with create_hdf5(path) as (file, check):
        for t, table in enumerate(evaluation.tables):
            for g, (group, ranks) in enumerate(zip(table.groups, table.ranks, strict=True)):
                if ranks is not None:
                    own = file.create_group(f"{t}/{g}")
                    rules = {
                        "title": table.title,
                        "kind": table.kind,
                        "metrics": list(group.metrics),
                        "unmatched_are_wrong": table.unmatched_are_wrong,
                    }
                    own.attrs.update(group=group.name, table=json.dumps(rules), n_gallery=group.n_gallery)
                    write_keys(own, [evaluation.keys[probe] for probe in ranks.members.probes])
                    for name in ("strata", "first", "ap", "inp"):
                        own.create_dataset(name, data=getattr(ranks, name), compression="gzip")
                check()


def read_ranks(path: Path) -> list[StoredRanks]:
    """Read the ranks of an evaluation.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            tables = sorted(file, key=int)
            return [_read_group(file[f"{t}/{g}"]) for t in tables for g in sorted(file[t], key=int)]
    except HDF5_ERRORS as error:
        hint = "evaluate again with `skelgait evaluate`"
        # HDF5 takes several lines for some errors.
        found = f"a damaged file ({' '.join(str(error).split())})"
        if isinstance(error, OSError) and error.errno:
            found = os.strerror(error.errno)
        raise DataError(path, found, "the ranks of an evaluation", hint) from error


def _read_group(own: h5py.Group) -> StoredRanks:
    rules = json.loads(own.attrs["table"])
    table = Table(
        rules["title"], rules["kind"], (), tuple(rules["metrics"]), unmatched_are_wrong=rules["unmatched_are_wrong"]
    )
    probes, strata = read_keys(own), np.asarray(own["strata"][:], np.int64)
    first, ap, inp = (np.asarray(own[name][:]) for name in ("first", "ap", "inp"))
    if not (strata.shape == (len(probes),) == first.shape[:1] and first.ndim == 2):
        raise ValueError(f"tables of different length in {own.name}")
    kinds = "".join(part.dtype.kind for part in (first, ap, inp))
    if not first.shape == ap.shape == inp.shape or kinds != "iff":
        raise ValueError(f"tables of other form in {own.name}")
    if len(set(probes)) != len(probes) or not all(map(_FIGURE.fullmatch, table.metrics)):
        raise ValueError(f"probes that stand there twice, or unknown metrics, in {own.name}")
    nobody = np.zeros(0, np.int64)
    ranks = GroupRanks(Members(nobody, nobody), strata, nobody, first, ap, inp)
    return StoredRanks(table, own.attrs["group"], probes, ranks, int(own.attrs["n_gallery"]))
