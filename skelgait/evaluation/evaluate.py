"""Recognising the test identities of a dataset under a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from skelgait.datasets import Partition, Protocol
from skelgait.errors import ProtocolError
from skelgait.evaluation.distances import Metric
from skelgait.evaluation.embed import Embeddings
from skelgait.evaluation.tables import Scorer, TableReport, conditions_of
from skelgait.storage import Key, SequenceSource


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation.

    Attributes:
        protocol: the protocol's name.
        metric: the distance.
        tables: its tables, figures in [0, 1].
        published: rank-1 of the first table as published, in [0, 1], by network and group.
        n_sequences: embedded sequences.
        n_cut: those longer than what was used of them.
    """

    protocol: str
    metric: Metric
    tables: tuple[TableReport, ...]
    published: Mapping[str, Mapping[str, float]]
    n_sequences: int
    n_cut: int

    def to_dict(self) -> dict[str, object]:
        """The report as plain dicts, lists, strings and numbers."""
        return asdict(self)


def test_keys(source: SequenceSource, protocol: Protocol, partition: Partition) -> list[Key]:
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
        mend = "use the protocol of this dataset, or --protocol custom with --gallery and --probes"
        raise ProtocolError(f"protocol {protocol.name}", found, f"some of {' '.join(sorted(patterns))}", mend)
    _check_named_probes(protocol, partition.probes, wanted)
    return wanted


def score(
    embeddings: Embeddings, protocol: Protocol, partition: Partition | None = None, metric: Metric = "euclidean"
) -> EvaluationReport:
    """Carry out all tables of a protocol.

    Args:
        embeddings: the embedded test sequences.
        protocol: what is computed.
        partition: for protocols whose probes it names one by one.
        metric: distance of two embeddings.

    Raises:
        ProtocolError: no table has a probe that can be recognised.
    """
    probes = partition.probes if partition else frozenset()
    _check_named_probes(protocol, probes, embeddings.keys)
    scorer = Scorer(embeddings, metric, camera_of_view=protocol.camera_of_view, probes=probes)
    tables = tuple(scorer.score(table) for table in protocol.tables)
    if all(value is None for table in tables for group in table.groups for value in group.figures.values()):
        raise _nothing_to_score(protocol, tables, embeddings.keys, len(scorer.view_names))
    return EvaluationReport(protocol.name, metric, tables, protocol.published, len(embeddings.keys), embeddings.n_cut)


def _check_named_probes(protocol: Protocol, probes: frozenset[tuple[str, str, str]], keys: Sequence[Key]) -> None:
    """Refuse a protocol whose probes the partition names, where there is none of them."""
    all_by_pattern = all(group.probes for table in protocol.tables for group in table.groups)
    if all_by_pattern or not probes.isdisjoint(keys):
        return
    named = ", ".join("-".join(probe) for probe in sorted(probes)[:3])
    found = f"no sequence of the probes under PROBE_SET, {named}, ..." if probes else "no probe under PROBE_SET"
    expected = f"some of {', '.join('-'.join(key) for key in keys[:3])}, ..."
    raise ProtocolError("--partition", found, expected, "list the probes there, as identity-condition-view")


def _nothing_to_score(
    protocol: Protocol, tables: Sequence[TableReport], keys: Sequence[Key], n_views: int
) -> ProtocolError:
    counts = ", ".join(
        f"{group.name} {group.n_probes} probes and {group.n_gallery} gallery entries" for group in tables[0].groups
    )
    groups = protocol.tables[0].groups
    patterns = "; ".join(
        f"{g.name}: {' '.join(g.probes) or 'the listed probes'} among {' '.join(g.gallery)}" for g in groups
    )
    return ProtocolError(
        f"protocol {protocol.name}",
        f"{counts}, in {n_views} views, with conditions {', '.join(conditions_of(keys)[:20])}",
        f"probes and a gallery with the same people ({patterns})",
        "use the protocol of this dataset, or --protocol custom with --gallery and --probes",
    )
