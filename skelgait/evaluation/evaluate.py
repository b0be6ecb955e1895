"""Recognizing the test identities of a dataset under a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch

from skelgait.datasets import Partition, Protocol, Table
from skelgait.embeddings import Embeddings
from skelgait.embeddings.embeddings import check_finite
from skelgait.embeddings.file import EmbeddingFile
from skelgait.errors import ProtocolError
from skelgait.evaluation.group_report import report_ranks, report_rates
from skelgait.evaluation.notes import notes_on, refuse_nothing
from skelgait.evaluation.ranks import GroupRanks, RankAccumulator
from skelgait.evaluation.report import EvaluationReport, TableReport
from skelgait.evaluation.test_sequences import Members, TestSet, conditions_of
from skelgait.evaluation.verification import GroupRates, VerificationAccumulator
from skelgait.matching.distances import RowBlocks
from skelgait.matching.options import MatchingOptions
from skelgait.matching.reranking import compare_all
from skelgait.runtime.advance import Advance, no_progress
from skelgait.storage import Key, SequenceSource

# There are as many pairs of views as the square of this.
_MOST_VIEWS = 300


def test_keys(source: SequenceSource | EmbeddingFile, protocol: Protocol, partition: Partition) -> list[Key]:
    """The sequences of the test identities that a protocol compares.

    Raises:
        ProtocolError: there is none, or none of the probes that the partition has to name.
    """
    if not partition.test:
        raise ProtocolError("--partition", "no identity to test", "some under TEST_SET", "list them there")
    keys = [key for key in source.keys if key.identity in partition.test]
    if not keys:
        found = f"identities {', '.join(sorted({key.identity for key in source.keys})[:5])}, ..."
        expected = f"those to test, {', '.join(sorted(partition.test)[:5])}, ..."
        raise ProtocolError(source.path, found, expected, "name the right --dataset, or your own --partition")
    patterns = protocol.patterns()
    wanted = [key for key in keys if any(fnmatchcase(key.condition, pattern) for pattern in patterns)]
    if not wanted:
        found = f"conditions {', '.join(conditions_of(keys)[:20])}"
        hint = "use the protocol of this dataset, or --protocol custom with --gallery and --probes"
        raise ProtocolError(f"protocol {protocol.name}", found, f"some of {' '.join(sorted(patterns))}", hint)
    _check_named_probes(protocol, partition.probes, wanted)
    return wanted


def score(
    embeddings: Embeddings,
    protocol: Protocol,
    partition: Partition | None = None,
    options: MatchingOptions | None = None,
    *,
    bootstrap_samples: int = 0,
    advance: Advance | None = None,
) -> EvaluationReport:
    """Carry out all tables of a protocol.

    Args:
        embeddings: the embedded test sequences.
        protocol: what is computed.
        partition: for protocols whose probes it names one by one.
        options: distance, device, memory and re-ranking.
        bootstrap_samples: draws of probes for 95 % bootstrap intervals; no intervals where 0.
        advance: called with the number of probes compared since the last call.

    Raises:
        ProtocolError: no table has a probe that can be recognized; says which rule left what over.
        CheckpointError: an embedding is not a finite number.
    """
    probes = partition.probes if partition else frozenset()
    _check_named_probes(protocol, probes, embeddings.keys)
    if isinstance(embeddings.values, torch.Tensor):
        check_finite(embeddings.values, embeddings.keys, "the embeddings")
    test_set = TestSet(embeddings.keys, camera_of_view=protocol.camera_of_view, probes=probes)
    _refuse_many_views(protocol, test_set)
    options = options or MatchingOptions()
    results = _results(protocol, test_set, compare_all(embeddings.values, options), advance or no_progress)
    tables = tuple(
        _table_report(table, results[number], test_set, bootstrap_samples)
        for number, table in enumerate(protocol.tables)
    )
    notes = notes_on(protocol, tables, test_set)
    refuse_nothing(protocol, tables, test_set)
    return EvaluationReport(
        protocol.name,
        options.distance,
        tables,
        protocol.published,
        len(embeddings.keys),
        embeddings.n_cut,
        options.reranking is not None,
        notes,
        embeddings.keys,
    )


def _refuse_many_views(protocol: Protocol, test_set: TestSet) -> None:
    """Refuse a table by view pairs where every sequence, or nearly so, has a view of its own."""
    n_views = len(test_set.view_names)
    if n_views > _MOST_VIEWS and any(table.kind == "view_pairs" for table in protocol.tables):
        found = f"{n_views} views, {', '.join(test_set.view_names[:3])}, ..., and a table by view pairs"
        hint = "write a protocol with pooled tables alone into a YAML file, and name it with --protocol"
        raise ProtocolError(f"protocol {protocol.name}", found, f"at most {_MOST_VIEWS} views", hint)


def _results(
    protocol: Protocol, test_set: TestSet, rows: RowBlocks, advance: Advance
) -> list[list[GroupRanks | GroupRates]]:
    """What each group of each table comes to; distances that several of them share are computed once."""
    groups = [[test_set.members(group) for group in table.groups] for table in protocol.tables]
    collectors: list[list[RankAccumulator | VerificationAccumulator]] = [
        [
            (VerificationAccumulator if table.kind == "verification" else RankAccumulator)(test_set, table, members)
            for members in own
        ]
        for table, own in zip(protocol.tables, groups, strict=True)
    ]
    sharing: dict[tuple[bytes, bytes], list[RankAccumulator | VerificationAccumulator]] = {}
    distinct: dict[tuple[bytes, bytes], Members] = {}
    for own, its in zip(groups, collectors, strict=True):
        for members, collector in zip(own, its, strict=True):
            same = (members.probes.tobytes(), members.gallery.tobytes())
            distinct.setdefault(same, members)
            sharing.setdefault(same, []).append(collector)
    for same, members in distinct.items():
        if not len(members.gallery):
            continue
        for start, distances in rows(members.probes, members.gallery):
            for collector in sharing[same]:
                collector.add(start, distances)
            advance(len(distances))
    return [[collector.result() for collector in own] for own in collectors]


def _table_report(
    table: Table, results: Sequence[GroupRanks | GroupRates], test_set: TestSet, bootstrap_samples: int
) -> TableReport:
    groups = tuple(
        report_rates(group.name, result, table)
        if isinstance(result, GroupRates)
        else report_ranks(group.name, result, table, test_set, bootstrap_samples)
        for group, result in zip(table.groups, results, strict=True)
    )
    ranks = tuple(of if isinstance(of, GroupRanks) else None for of in results)
    return TableReport(table.title, table.kind, groups, ranks, table.unmatched_are_wrong)


def _check_named_probes(protocol: Protocol, probes: frozenset[tuple[str, str, str]], keys: Sequence[Key]) -> None:
    """Refuse a protocol whose probes the partition names, where there is none of them."""
    all_by_pattern = all(group.probes for table in protocol.tables for group in table.groups)
    if all_by_pattern or not probes.isdisjoint(keys):
        return
    named = ", ".join("-".join(probe) for probe in sorted(probes)[:3])
    found = f"no sequence of the probes under PROBE_SET, {named}, ..." if probes else "no probe under PROBE_SET"
    expected = f"some of {', '.join('-'.join(key) for key in keys[:3])}, ..."
    raise ProtocolError("--partition", found, expected, "list the probes there, as identity-condition-view")
