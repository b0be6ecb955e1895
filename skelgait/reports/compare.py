"""Evaluations side by side, and whether they differ by more than chance: a paired bootstrap over probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Table
from skelgait.errors import DataError, SettingsError
from skelgait.evaluation.metrics import cells_of, interval, number, resampled, values_of
from skelgait.evaluation.ranks import GroupRanks
from skelgait.reports.folder import RANKS, read_report
from skelgait.reports.ranks_file import StoredRanks, read_ranks
from skelgait.storage import Key

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """What an evaluation has more than the first one, over the probes that all of them have.

    Attributes:
        difference: of the metric, in [-1, 1]; None where it is not defined.
        interval: 95 % bootstrap interval of the difference.
        p: two-sided bootstrap probability of a difference as large where there is none.
    """

    difference: float | None
    interval: tuple[float, float] | None
    p: float | None


@dataclass(frozen=True)
class ComparedMetric:
    """A metric of several evaluations.

    Attributes:
        table: title of the table.
        group: name of the group.
        metric: its name.
        n_probes: probes that all evaluations have.
        values: of each evaluation, over these.
        differences: of each but the first to the first.
    """

    table: str
    group: str
    metric: str
    n_probes: int
    values: tuple[float | None, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Comparison:
    """Evaluations side by side.

    Attributes:
        names: their names.
        protocol: the protocol of all.
        metrics: what both have.
        notes: what a reader should know.
    """

    names: tuple[str, ...]
    protocol: str
    metrics: tuple[ComparedMetric, ...]
    notes: tuple[str, ...]


def compare_reports(folders: Sequence[Path], names: Sequence[str], bootstrap_samples: int = 1000) -> Comparison:
    """Compare the reports in some folders with the first one.

    The same draws of probes are made for all, so that what is easy or hard about a probe falls out of the difference.

    Args:
        folders: of the reports, at least two.
        names: what to call them.
        bootstrap_samples: draws of probes.

    Raises:
        DataError: a report is missing or damaged.
        SettingsError: there are fewer than two, or they have no protocol or no group of probes in common.
    """
    if len(folders) < 2:
        raise SettingsError("RUN", f"{len(folders)} of them", "at least two", "name the runs to compare")
    reports = [read_report(folder) for folder in folders]
    protocols = [report["protocol"] for report in reports]
    if len(set(protocols)) > 1:
        found = ", ".join(f"{protocol} of {name}" for name, protocol in zip(names, protocols, strict=True))
        raise SettingsError("RUN", f"protocols {found}", "one protocol", "evaluate them alike")
    stored = [{(of.table.title, of.group): of for of in read_ranks(folder / RANKS)} for folder in folders]
    notes, metrics = _notes(names, reports), []
    for place in stored[0]:
        if all(place in own for own in stored):
            compared, note = _compared([own[place] for own in stored], names, bootstrap_samples)
            metrics += compared
            notes += note
    if not metrics:
        groups = (f"{name}: {', '.join(sorted({g for _, g in of}))}" for name, of in zip(names, stored, strict=True))
        found = f"no probe in a group that all have ({'; '.join(groups)})"
        if not all(stored):
            found = "evaluations without ranks, as verification has none"
        raise SettingsError("RUN", found, "at least one group of probes in common", "evaluate them alike")
    return Comparison(tuple(names), protocols[0], tuple(metrics), tuple(dict.fromkeys(notes)))


def _notes(names: Sequence[str], reports: Sequence[dict[str, object]]) -> list[str]:
    """In what the evaluations themselves differ."""
    notes = []
    for what, spelled in (("distance", "distance"), ("embedding", "embedding"), ("is_reranked", "re-ranked")):
        values = [report.get(what) for report in reports]
        if len(set(map(str, values))) > 1:
            each = ", ".join(f"{value} of {name}" for name, value in zip(names, values, strict=True))
            notes.append(f"they were not evaluated alike; {spelled}: {each}")
    return notes


def _compared(
    stored: Sequence[StoredRanks], names: Sequence[str], bootstrap_samples: int
) -> tuple[list[ComparedMetric], list[str]]:
    table, group = stored[0].table, stored[0].group
    common = set(stored[0].probes).intersection(*(of.probes for of in stored[1:]))
    missing = {name: len(of.probes) - len(common) for name, of in zip(names, stored, strict=True)}
    notes = [
        f"{table.title}, {group}: {n} probes of {name} are left out, as not all have them"
        for name, n in missing.items()
        if n
    ]
    galleries = [of.n_gallery for of in stored]
    if len(set(galleries)) > 1:
        each = ", ".join(f"{n} of {name}" for name, n in zip(names, galleries, strict=True))
        notes.append(f"{table.title}, {group}: the galleries are not the same; entries: {each}")
    if not common:
        return [], notes
    ranks = [_of_probes(of, common) for of in stored]
    rules = {(of.table.kind, of.table.metrics, of.table.unmatched_are_wrong) for of in stored}
    if len(rules) > 1 or len({of.first.shape for of in ranks}) > 1:
        found = "tables under different rules" if len(rules) > 1 else "galleries of different views"
        raise DataError(f"{table.title}, {group}", found, "the same ones", "evaluate them alike")
    metrics = []
    for metric in table.metrics:
        values = [values_of(of, metric, table) for of in ranks]
        overall = [float(cells_of(of, ranks[0].strata, table).overall) for of in values]
        samples = _samples(values, ranks[0].strata, table, bootstrap_samples)
        differences = tuple(
            _difference(overall[i] - overall[0], samples[i] - samples[0]) for i in range(1, len(overall))
        )
        metrics.append(
            ComparedMetric(table.title, group, metric, len(common), tuple(map(number, overall)), differences)
        )
    return metrics, notes


def _of_probes(stored: StoredRanks, wanted: set[Key]) -> GroupRanks:
    """The ranks of some probes, in the order of their keys."""
    order = sorted(range(len(stored.probes)), key=stored.probes.__getitem__)
    rows = np.array([i for i in order if stored.probes[i] in wanted], np.int64)
    own = stored.ranks
    return GroupRanks(own.members, own.strata[rows], own.cells, own.first[rows], own.ap[rows], own.inp[rows])


def _samples(values: Sequence[Floats], strata: NDArray[np.int64], table: Table, bootstrap_samples: int) -> list[Floats]:
    """(bootstrap_samples,) of each evaluation: the metric over the same draws of probes."""
    parts: list[list[Floats]] = [[] for _ in values]
    for weights in resampled(len(strata), bootstrap_samples):
        for own, part in zip(values, parts, strict=True):
            part.append(cells_of(own, strata, table, weights).overall)
    return [np.concatenate(part) for part in parts]


def _difference(difference: float, samples: Floats) -> Difference:
    defined = samples[~np.isnan(samples)]
    if np.isnan(difference) or not len(defined):
        return Difference(None, None, None)
    # A draw counts as one more, since no probability of finitely many draws is 0.
    tail = min((defined <= 0).sum(), (defined >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (len(defined) + 1))
    return Difference(difference, interval(defined), p)
