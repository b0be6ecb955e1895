"""Evaluation of embeddings under a protocol. The package docstring has a worked example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from skelgait.datasets import Partition, Protocol, Table
from skelgait.datasets.identities import find_missing, select_identities
from skelgait.embeddings import Embeddings
from skelgait.embeddings.embeddings import check_finite
from skelgait.embeddings.file import EmbeddingFile
from skelgait.embeddings.file_vectors import FileVectors
from skelgait.errors import ProtocolError
from skelgait.evaluation.collapse import collapse_notes
from skelgait.evaluation.evaluation_set import EvaluationSet, Members, sorted_conditions
from skelgait.evaluation.group_report import report_ranks, report_rates, report_searches
from skelgait.evaluation.notes import check_results, notes_for
from skelgait.evaluation.open_set import GroupSearches, OpenSetAccumulator
from skelgait.evaluation.ranks import GroupRanks, RankAccumulator
from skelgait.evaluation.report import EvaluationReport, GroupReport, TableReport
from skelgait.evaluation.verification import GroupRates, VerificationAccumulator
from skelgait.matching.distances import RowBlocks
from skelgait.matching.options import MatchingOptions
from skelgait.matching.reranking import compare_all
from skelgait.matching.vectors import as_floats
from skelgait.runtime.advance import Advance, no_progress
from skelgait.storage import Key, SequenceSource

_Result = GroupRanks | GroupRates | GroupSearches
_Accumulator = RankAccumulator | VerificationAccumulator | OpenSetAccumulator
_ACCUMULATORS: dict[str, Callable[[EvaluationSet, Table, Members], _Accumulator]] = {
    "verification": VerificationAccumulator,
    "open_set": OpenSetAccumulator,
}

# The number of view pairs is the square of this.
_MAX_VIEWS = 300


def evaluation_keys(source: SequenceSource | EmbeddingFile, protocol: Protocol, partition: Partition) -> list[Key]:
    """Return the sequences of the test identities that a protocol compares.

    Args:
        source: sequences or embeddings.
        protocol: evaluation protocol.
        partition: test identities, and probes if the protocol needs their names.

    Raises:
        DataError: if there is no sequence of a test identity.
        ProtocolError: if no sequence has a condition of the protocol, or none is a probe that the partition names.
    """
    if not partition.test:
        raise ProtocolError("--partition", "no test identity", "identities under TEST_SET", "list them there")
    keys = select_identities(source.keys, partition.test, source.path, "test")
    patterns = protocol.patterns()
    compared = [key for key in keys if any(fnmatchcase(key.condition, pattern) for pattern in patterns)]
    if not compared:
        found = f"conditions {', '.join(sorted_conditions(keys)[:20])}"
        hint = "use the protocol of this dataset, or --protocol custom with --gallery and --probes"
        raise ProtocolError(f"protocol {protocol.name}", found, f"some of {' '.join(sorted(patterns))}", hint)
    _check_named_probes(protocol, partition.probes, compared)
    return compared


def score(
    embeddings: Embeddings,
    protocol: Protocol,
    partition: Partition | None = None,
    options: MatchingOptions | None = None,
    *,
    bootstrap_samples: int = 0,
    advance: Advance | None = None,
) -> EvaluationReport:
    """Evaluate embeddings under a protocol and return the metrics of all its tables.

    Args:
        embeddings: embeddings of the test sequences.
        protocol: evaluation protocol.
        partition: partition that names the probes, which protocols without probe patterns need, such as Gait3D; the
            report says which of its test people are missing.
        options: distance, device, memory and re-ranking.
        bootstrap_samples: number of bootstrap samples for 95 % intervals; default: 0, no intervals.
        advance: called with the number of probes compared since the last call.

    Raises:
        ProtocolError: if no table has a probe that can be recognized; it gives the reason.
        CheckpointError: if an embedding is not finite.
        SettingsError: if the protocol has an unknown metric.
    """
    options = options or MatchingOptions()
    probes = partition.probes if partition else frozenset()
    _check_named_probes(protocol, probes, embeddings.keys)
    if not isinstance(embeddings.values, FileVectors):  # rows of a file are checked when they are read
        check_finite(as_floats(embeddings.values), embeddings.keys, "the embeddings")
    evaluation_set = EvaluationSet(embeddings.keys, camera_prefix=protocol.camera_prefix, probes=probes)
    _check_number_of_views(protocol, evaluation_set)
    rows = compare_all(embeddings.values, options)
    results = _results(protocol, evaluation_set, rows, advance or no_progress)
    tables = tuple(
        _table_report(table, table_results, evaluation_set, bootstrap_samples)
        for table, table_results in zip(protocol.tables, results, strict=True)
    )
    missing = find_missing(embeddings.keys, partition.test, "test") if partition else None
    notes = (*collapse_notes(embeddings, options.distance), *notes_for(protocol, tables, evaluation_set, missing))
    check_results(protocol, tables, evaluation_set)
    return EvaluationReport(
        protocol=protocol.name,
        distance=options.distance,
        tables=tables,
        published=protocol.published,
        n_sequences=len(embeddings.keys),
        n_truncated=embeddings.n_truncated,
        reranked=options.reranking is not None,
        notes=notes,
        keys=embeddings.keys,
        missing=missing,
        incomparable=("test people are missing",) if missing else (),
    )


def _check_number_of_views(protocol: Protocol, evaluation_set: EvaluationSet) -> None:
    """Raise ProtocolError for a table by view pairs if nearly every sequence has its own view."""
    n_views = len(evaluation_set.view_names)
    if n_views > _MAX_VIEWS and any(table.kind == "view_pairs" for table in protocol.tables):
        found = f"{n_views} views, {', '.join(evaluation_set.view_names[:3])}, ..., and a table by view pairs"
        hint = "write a protocol with only pooled tables to a YAML file, and pass it with --protocol"
        raise ProtocolError(f"protocol {protocol.name}", found, f"at most {_MAX_VIEWS} views", hint)


def _results(
    protocol: Protocol, evaluation_set: EvaluationSet, rows: RowBlocks, advance: Advance
) -> list[list[_Result]]:
    """Return the result of each group of each table; groups with the same members share their distances."""
    accumulators: list[list[_Accumulator]] = []
    members_of: dict[tuple[bytes, bytes], Members] = {}
    sharing: dict[tuple[bytes, bytes], list[_Accumulator]] = {}
    for table in protocol.tables:
        make = _ACCUMULATORS.get(table.kind, RankAccumulator)
        accumulators.append([])
        for group in table.groups:
            members = evaluation_set.members(group)
            accumulator = make(evaluation_set, table, members)
            accumulators[-1].append(accumulator)
            same = (members.probes.tobytes(), members.gallery.tobytes())
            members_of.setdefault(same, members)
            sharing.setdefault(same, []).append(accumulator)
    for same, members in members_of.items():
        if not len(members.gallery):
            continue
        for start, distances in rows(members.probes, members.gallery):
            for accumulator in sharing[same]:
                accumulator.add(start, distances)
            advance(len(distances))
    return [[accumulator.result() for accumulator in of_table] for of_table in accumulators]


def _table_report(
    table: Table, results: Sequence[_Result], evaluation_set: EvaluationSet, bootstrap_samples: int
) -> TableReport:
    groups = tuple(
        _group_report(group.name, result, table, evaluation_set, bootstrap_samples)
        for group, result in zip(table.groups, results, strict=True)
    )
    ranks = tuple(result if isinstance(result, GroupRanks) else None for result in results)
    rates = tuple(result if isinstance(result, GroupRates) else None for result in results)
    return TableReport(table.title, table.kind, groups, ranks, rates, table.unmatched_are_wrong)


def _group_report(
    name: str, result: _Result, table: Table, evaluation_set: EvaluationSet, bootstrap_samples: int
) -> GroupReport:
    if isinstance(result, GroupRates):
        return report_rates(name, result, table, bootstrap_samples)
    if isinstance(result, GroupSearches):
        return report_searches(name, result, table, bootstrap_samples)
    return report_ranks(name, result, table, evaluation_set, bootstrap_samples)


def _check_named_probes(protocol: Protocol, probes: frozenset[tuple[str, str, str]], keys: Sequence[Key]) -> None:
    """Raise ProtocolError if the protocol needs probes named by the partition, and `keys` has none of them."""
    has_patterns = all(group.probes for table in protocol.tables for group in table.groups)
    if has_patterns or not probes.isdisjoint(keys):
        return
    named = ", ".join("-".join(probe) for probe in sorted(probes)[:3])
    found = f"no sequence of the probes under PROBE_SET, {named}, ..." if probes else "no probe under PROBE_SET"
    expected = f"some of {', '.join('-'.join(key) for key in keys[:3])}, ..."
    raise ProtocolError("--partition", found, expected, "list the probes there, as identity-condition-view")
