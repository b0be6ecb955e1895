"""HDF5 file with the ranks of all probes of an evaluation, from which its metrics can be computed again.

HDF5 group `<table>/<group>` (both are numbers) has `keys` (P, 3): identity, condition and view of each probe;
`probe_views` (P,); `first` (P, V) int32; `ap` and `inp` (P, V) float32, see `skelgait.evaluation.ranks.GroupRanks`. Its
attributes are the name of the group, the numbers of probes and gallery entries, and the rules of the table as JSON. The
group of a verification has the arrays of `skelgait.reports.rates_file` instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from skelgait.datasets import Table
from skelgait.evaluation import EvaluationReport
from skelgait.evaluation.evaluation_set import Members
from skelgait.evaluation.ranks import GroupRanks
from skelgait.matching.metrics import Metric, find_metric, is_metric
from skelgait.reports.rates_file import StoredRates, read_rates, write_rates
from skelgait.storage import Key
from skelgait.storage.hdf5_file import create_hdf5, write_table, write_text
from skelgait.storage.hdf5_reader import open_hdf5, read_number, read_text
from skelgait.storage.shards import read_keys, write_keys


@dataclass(frozen=True, eq=False)
class StoredRanks:
    """Ranks of a group.

    Attributes:
        table: rules of its metrics, without groups.
        group: name of the group.
        probes: keys of the P probes.
        ranks: ranks of the probes.
        n_gallery: number of gallery entries.
    """

    table: Table
    group: str
    probes: list[Key]
    ranks: GroupRanks
    n_gallery: int


def write_ranks(path: Path, evaluation: EvaluationReport) -> None:
    """Write the ranks of an evaluation, atomically.

    Raises:
        DataError: if the file cannot be written.
    """
    with create_hdf5(path) as (file, check):
        for t, table in enumerate(evaluation.tables):
            for g, group in enumerate(table.groups):
                if group.open_set is not None:
                    continue
                h5_group = file.create_group(f"{t}/{g}")
                rules = {
                    "title": table.title,
                    "kind": table.kind,
                    "metrics": list(group.metrics),
                    "unmatched_are_wrong": table.unmatched_are_wrong,
                }
                facts = {"n_probes": group.n_probes, "n_gallery": group.n_gallery}
                write_text(h5_group, group=group.name, table=json.dumps(rules))
                h5_group.attrs.update(facts)
                ranks, rates = table.ranks[g], table.rates[g]
                if ranks is not None:
                    _write_ranks(h5_group, ranks, evaluation.keys)
                if rates is not None:
                    write_rates(h5_group, rates)
                check()


def _write_ranks(h5_group: h5py.Group, ranks: GroupRanks, keys: Sequence[Key]) -> None:
    write_keys(h5_group, [keys[probe] for probe in ranks.members.probes])
    for name in ("probe_views", "first", "ap", "inp"):
        write_table(h5_group, name, getattr(ranks, name), "gzip")


def read_ranks(path: Path) -> list[StoredRanks | StoredRates]:
    """Read the ranks, and the numbers of pairs of verifications, of an evaluation.

    Raises:
        DataError: if the file is missing or damaged.
    """
    with open_hdf5(path, "the ranks of an evaluation", "run `skelgait evaluate` again") as file:
        tables = sorted(file, key=int)
        return [_read_group(file[f"{t}/{g}"]) for t in tables for g in sorted(file[t], key=int)]


def _read_group(group: h5py.Group) -> StoredRanks | StoredRates:
    rules = json.loads(read_text(group, "table"))
    table = Table(
        rules["title"], rules["kind"], (), tuple(rules["metrics"]), unmatched_are_wrong=rules["unmatched_are_wrong"]
    )
    if not all(is_metric(name) and _fits(find_metric(name), table) for name in table.metrics):
        raise ValueError(f"unknown metrics in {group.name}")
    if table.kind == "verification":
        return read_rates(group, table)
    probes, probe_views = read_keys(group), np.asarray(group["probe_views"][:], np.int64)
    first, ap, inp = (np.asarray(group[name][:]) for name in ("first", "ap", "inp"))
    if not (probe_views.shape == (len(probes),) == first.shape[:1] and first.ndim == 2):
        raise ValueError(f"arrays of different lengths in {group.name}")
    kinds = "".join(part.dtype.kind for part in (first, ap, inp))
    if not first.shape == ap.shape == inp.shape or kinds != "iff":
        raise ValueError(f"arrays of unexpected shape or type in {group.name}")
    if len(set(probes)) != len(probes):
        raise ValueError(f"duplicate probes in {group.name}")
    empty = np.zeros(0, np.int64)
    ranks = GroupRanks(Members(empty, empty), probe_views, empty, first, ap, inp)
    return StoredRanks(table, read_text(group, "group"), probes, ranks, read_number(group, "n_gallery"))


def _fits(metric: Metric, table: Table) -> bool:
    """Return True if a metric is of the kind of a table."""
    return metric.kind == (table.kind if table.kind in ("verification", "open_set") else "ranks")
