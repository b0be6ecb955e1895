"""Notes on metrics that mean little, and an error if nothing can be evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from skelgait.datasets import Group, Protocol, Table
from skelgait.datasets.identities import MissingPeople
from skelgait.errors import ProtocolError
from skelgait.evaluation.evaluation_set import EvaluationSet, sorted_conditions
from skelgait.evaluation.open_set import searches_needed
from skelgait.evaluation.ranks import GroupRanks
from skelgait.evaluation.report import GroupReport, TableReport
from skelgait.matching.metrics import find_metric

_HINT = "use the protocol of this dataset, or --protocol custom with --gallery and --probes"


def check_results(protocol: Protocol, tables: Sequence[TableReport], evaluation_set: EvaluationSet) -> None:
    """Check that there is a metric, and a probe with a true match.

    Args:
        protocol: evaluation protocol.
        tables: results of its tables.
        evaluation_set: all sequences.

    Raises:
        ProtocolError: if not; it gives the reason.
    """
    groups = [group for table in tables for group in table.groups]
    if all(value is None for group in groups for value in group.metrics.values()):
        counts = ", ".join(f"{g.name} {_counts(g)}" for g in tables[0].groups)
        conditions = ", ".join(sorted_conditions(evaluation_set.keys)[:20])
        found = f"{counts}, in {len(evaluation_set.view_names)} views, with conditions {conditions}"
        reasons = "; ".join(dict.fromkeys(_reasons(protocol, tables, evaluation_set)))
        expected = f"probes and a gallery with the same people ({_patterns(protocol.tables[0].groups)})"
        raise ProtocolError(f"protocol {protocol.name}", found + (f" ({reasons})" if reasons else ""), expected, _HINT)
    unmatched = [group for group in groups if group.n_unmatched]
    if unmatched and not any(_has_match(ranks) for table in tables for ranks in table.ranks):
        counts = ", ".join(f"{g.name} {_counts(g)} ({_by_reason(g.unmatched)})" for g in unmatched)
        expected = "probes with another sequence of the same identity in the gallery they are compared with"
        raise ProtocolError(f"protocol {protocol.name}", f"no probe with a true match: {counts}", expected, _HINT)


def notes_for(
    protocol: Protocol,
    tables: Sequence[TableReport],
    evaluation_set: EvaluationSet,
    missing: MissingPeople | None = None,
) -> tuple[str, ...]:
    """Return remarks on the metrics, one sentence each.

    Args:
        protocol: evaluation protocol.
        tables: results of its tables.
        evaluation_set: all sequences.
        missing: listed test people without any sequence.
    """
    notes = [*([str(missing)] if missing else []), *_reasons(protocol, tables, evaluation_set)]
    for table, report in zip(protocol.tables, tables, strict=True):
        for group, ranks in zip(report.groups, report.ranks, strict=True):
            notes += _small_gallery(table, group)
            notes += _few_impostors(table, group)
            notes += _few_searches(table, group)
            if group.n_unmatched and not _has_match(ranks):
                reasons = _by_reason(group.unmatched)
                notes.append(f"{table.title}: no probe of {group.name} has a true match ({reasons})")
    return tuple(dict.fromkeys(notes))


def _reasons(protocol: Protocol, tables: Sequence[TableReport], evaluation_set: EvaluationSet) -> Iterator[str]:
    """Yield why groups have no metric."""
    for table, table_report in zip(protocol.tables, tables, strict=True):
        for group, report in zip(table.groups, table_report.groups, strict=True):
            if not report.n_probes:
                yield f"no sequence is a probe of {report.name} ({_patterns([group])})"
            elif not report.n_gallery:
                yield f"no sequence is in the gallery of {report.name} ({_patterns([group])})"
            elif all(value is None for value in report.metrics.values()):
                reason = _why_empty(table, report, evaluation_set)
                yield f"{table.title}: nothing to compare for {report.name}, {reason}"


def _why_empty(table: Table, group: GroupReport, evaluation_set: EvaluationSet) -> str:
    if group.roc is not None:
        return f"with {group.roc.n_genuine} pairs of one person and {group.roc.n_impostor} of two people"
    if group.open_set is not None:
        counts = group.open_set.n_mated, group.open_set.n_non_mated
        mated, non_mated = (max(numbers) for numbers in counts)
        return f"with {mated} searches for people who are enrolled and {non_mated} for others"
    if group.n_unmatched:
        return f"as no probe has a true match ({_by_reason(group.unmatched)})"
    if table.identical_views is False and len(evaluation_set.view_names) == 1:
        view = evaluation_set.view_names[0]
        return f"as all sequences have the view {view}, and identical views are excluded"
    return "as no compared view pair has both a probe and a gallery entry"


def _small_gallery(table: Table, group: GroupReport) -> Iterator[str]:
    metrics = map(find_metric, table.metrics)
    labels = [metric.label for metric in metrics if metric.min_gallery > group.smallest_gallery > 0]
    if labels and group.n_probes:
        n, gallery = group.smallest_gallery, "a view" if table.kind == "view_pairs" else "the gallery"
        entries = f"{n} {'entry' if n == 1 else 'entries'}"
        yield f"{table.title}: {', '.join(labels)} of {group.name} is not meaningful: {gallery} has only {entries}"


def _few_impostors(table: Table, group: GroupReport) -> Iterator[str]:
    if group.roc is None or not group.roc.n_impostor:
        return
    for metric in map(find_metric, table.metrics):
        rate = metric.max_false_accept_rate
        if rate * group.roc.n_impostor < 1:
            pairs = f"{group.roc.n_impostor} pairs of two people"
            yield f"{table.title}: {pairs} of {group.name} are too few for a false accept rate of {rate:g}"


def _few_searches(table: Table, group: GroupReport) -> Iterator[str]:
    if group.open_set is None or not min(group.open_set.n_mated) or not min(group.open_set.n_non_mated):
        return
    n_searches = min(group.open_set.n_non_mated)
    needed = {find_metric(name).max_false_accept_rate: searches_needed(find_metric(name)) for name in table.metrics}
    missing = {rate: n for rate, n in needed.items() if n > n_searches}
    if missing:
        rates = ", ".join(f"{100 * rate:g} % (at least {n})" for rate, n in missing.items())
        searches = f"{n_searches} searches for people who are not enrolled"
        yield f"{table.title}: {searches} are too few, in {group.name}, for an FPIR of {rates}"
    if group.open_set.n_left_out:
        reason = "have no gallery entry of their person to compare with, and do not count if that person is enrolled"
        yield f"{table.title}: {group.open_set.n_left_out} of {group.n_probes} probes of {group.name} {reason}"


def _has_match(ranks: GroupRanks | None) -> bool:
    """Return True if some probe has a true match in some gallery; it may have none in another gallery."""
    return ranks is not None and bool((ranks.first > 0).any())


def _counts(group: GroupReport) -> str:
    return f"{group.n_probes} probes and {group.n_gallery} gallery entries"


def _by_reason(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in counts.items())


def _patterns(groups: Sequence[Group]) -> str:
    return "; ".join(
        f"{g.name}: {' '.join(g.probes) or 'the listed probes'} among {' '.join(g.gallery)}" for g in groups
    )
