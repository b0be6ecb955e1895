"""What a protocol's rules left over: said where a metric means little, and an error where nothing is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skelgait.datasets import Group, Protocol, Table
from skelgait.errors import ProtocolError
from skelgait.evaluation.ranks import GroupRanks
from skelgait.evaluation.report import GroupReport, TableReport
from skelgait.evaluation.test_sequences import TestSet, conditions_of

_HINT = "use the protocol of this dataset, or --protocol custom with --gallery and --probes"


def refuse_nothing(protocol: Protocol, tables: Sequence[TableReport], test_set: TestSet) -> None:
    """Refuse an evaluation without a metric, or in which no probe has a true match.

    Raises:
        ProtocolError: says which rule left what over.
    """
    groups = [group for table in tables for group in table.groups]
    if all(value is None for group in groups for value in group.metrics.values()):
        counts = ", ".join(f"{g.name} {_counts(g)}" for g in tables[0].groups)
        conditions = ", ".join(conditions_of(test_set.keys)[:20])
        found = f"{counts}, in {len(test_set.view_names)} views, with conditions {conditions}"
        reasons = "; ".join(dict.fromkeys(_reasons(protocol, tables, test_set)))
        expected = f"probes and a gallery with the same people ({_patterns(protocol.tables[0].groups)})"
        raise ProtocolError(f"protocol {protocol.name}", found + (f" ({reasons})" if reasons else ""), expected, _HINT)
    unmatched = [group for group in groups if group.n_unmatched]
    if unmatched and not any(_has_match(ranks) for table in tables for ranks in table.ranks):
        counts = ", ".join(f"{g.name} {_counts(g)} ({_spelled(g.unmatched)})" for g in unmatched)
        expected = "probes with another sequence of the same identity among those they are compared with"
        raise ProtocolError(f"protocol {protocol.name}", f"no probe with a true match: {counts}", expected, _HINT)


def notes_on(protocol: Protocol, tables: Sequence[TableReport], test_set: TestSet) -> tuple[str, ...]:
    """What a reader of the metrics should know, in sentences."""
    found = [*_reasons(protocol, tables, test_set)]
    for table, report in zip(protocol.tables, tables, strict=True):
        for group, ranks in zip(report.groups, report.ranks, strict=True):
            found += _small_gallery(table, group)
            found += _few_impostors(table, group)
            if group.n_unmatched and not _has_match(ranks):
                found.append(f"{table.title}: no probe of {group.name} has a true match ({_spelled(group.unmatched)})")
    return tuple(dict.fromkeys(found))


def _reasons(protocol: Protocol, tables: Sequence[TableReport], test_set: TestSet) -> Iterator[str]:
    """Why groups have no metric."""
    for table, report in zip(protocol.tables, tables, strict=True):
        for group, own in zip(table.groups, report.groups, strict=True):
            if not own.n_probes:
                yield f"no sequence is a probe of {own.name} ({_patterns([group])})"
            elif not own.n_gallery:
                yield f"no sequence is in the gallery of {own.name} ({_patterns([group])})"
            elif all(value is None for value in own.metrics.values()):
                yield f"{table.title}: nothing is left to compare for {own.name}{_why_nothing(table, own, test_set)}"


def _why_nothing(table: Table, group: GroupReport, test_set: TestSet) -> str:
    if group.roc is not None:
        return f", with {group.roc.n_genuine} pairs of one person and {group.roc.n_impostor} of two"
    if group.n_unmatched:
        return f", as no probe has a true match ({_spelled(group.unmatched)})"
    if table.identical_views is False and len(test_set.view_names) == 1:
        return f", as all sequences are of the view {test_set.view_names[0]} and identical views are left out"
    return ", as no view pair that counts has a probe and a gallery entry"


def _small_gallery(table: Table, group: GroupReport) -> Iterator[str]:
    ranks = [int(metric.removeprefix("rank_")) for metric in table.metrics if metric.startswith("rank_")]
    too_large = [k for k in ranks if k > group.smallest_gallery > 0]
    if too_large and group.n_probes:
        asked, entries = ", ".join(f"rank-{k}" for k in too_large), _number(group.smallest_gallery, "entry")
        those = "a view" if table.kind == "view_pairs" else "the gallery"
        yield f"{table.title}: {asked} of {group.name} says nothing where {those} has {entries} only"


def _few_impostors(table: Table, group: GroupReport) -> Iterator[str]:
    if group.roc is None or not group.roc.n_impostor:
        return
    for metric in table.metrics:
        share = float(metric.removeprefix("tar_at_far_")) if metric.startswith("tar") else 1.0
        if share * group.roc.n_impostor < 1:
            pairs = f"{group.roc.n_impostor} pairs of two people"
            yield f"{table.title}: {pairs} of {group.name} are too few for a share of false accepts of {share:g}"


def _number(n: int, what: str) -> str:
    return f"{n} {what if n == 1 else what.removesuffix('y') + 'ies'}"


def _has_match(ranks: GroupRanks | None) -> bool:
    """Whether some probe has a true match in some gallery; a probe may have one and be without one in another."""
    return ranks is not None and bool((ranks.first > 0).any())


def _counts(group: GroupReport) -> str:
    return f"{group.n_probes} probes and {group.n_gallery} gallery entries"


def _spelled(counts: object) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in counts.items()) if isinstance(counts, dict) else ""


def _patterns(groups: Sequence[Group]) -> str:
    return "; ".join(
        f"{g.name}: {' '.join(g.probes) or 'the listed probes'} among {' '.join(g.gallery)}" for g in groups
    )
