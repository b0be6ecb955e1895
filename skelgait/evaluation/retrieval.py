"""Nearest gallery entries of some probes of each group, for pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Partition, Protocol, Table
from skelgait.embeddings import Embeddings
from skelgait.evaluation.evaluation_set import EvaluationSet, Indices, Members
from skelgait.matching.distances import RowBlocks
from skelgait.matching.options import MatchingOptions
from skelgait.matching.reranking import compare_all
from skelgait.storage import Key


@dataclass(frozen=True)
class Neighbor:
    """Gallery entry near a probe.

    Attributes:
        key: key of the gallery entry.
        distance: distance to the probe.
        is_right: True if it has the identity of the probe.
    """

    key: Key
    distance: float
    is_right: bool


@dataclass(frozen=True)
class Retrieved:
    """Probe and its nearest gallery entries.

    Attributes:
        probe: key of the probe.
        nearest: gallery entries, nearest first.
    """

    probe: Key
    nearest: tuple[Neighbor, ...]


def retrieve(
    embeddings: Embeddings,
    protocol: Protocol,
    partition: Partition | None = None,
    options: MatchingOptions | None = None,
    *,
    n_probes: int = 6,
    n_nearest: int = 5,
) -> dict[str, tuple[Retrieved, ...]]:
    """Return some probes of each group with their nearest gallery entries.

    The probes are evenly spaced in the order of the sequences. The choice does not depend on the result, so that they
    are a fair sample. Probes without a gallery entry to compare with are skipped.

    Args:
        embeddings: embeddings of the test sequences.
        protocol: evaluation protocol; its first table that is not a verification is used. In a table by view pairs,
            the entries of all compared views are neighbors.
        partition: partition that names the probes, for protocols without probe patterns.
        options: distance, device, memory and re-ranking, which needs the distances of all probes.
        n_probes: maximum number of probes of each group; default: 6.
        n_nearest: maximum number of neighbors of each probe; default: 5.

    Returns:
        Probes by name of the group; empty if all tables are verifications.
    """
    table = next((table for table in protocol.tables if table.kind != "verification"), None)
    if table is None:
        return {}
    options = options or MatchingOptions()
    probes = partition.probes if partition else frozenset()
    evaluation_set = EvaluationSet(embeddings.keys, camera_prefix=protocol.camera_prefix, probes=probes)
    rows = compare_all(embeddings.values, options)
    retrieved = {}
    for group in table.groups:
        rule = _ComparisonRule(evaluation_set, table, evaluation_set.members(group))
        sample = _evenly_spaced(np.flatnonzero(rule.counts()), n_probes)
        retrieved[group.name] = tuple(
            _neighbors(evaluation_set, rule, index, distances, n_nearest)
            for index, distances in _distances(rows, rule.members, sample, reranked=options.reranking is not None)
        )
    return retrieved


class _ComparisonRule:
    """Rule that gives the gallery entries each probe of a group is compared with.

    Args:
        evaluation_set: all sequences.
        table: rules of the table.
        members: probes and gallery.
    """

    def __init__(self, evaluation_set: EvaluationSet, table: Table, members: Members) -> None:
        self.members = members
        self._only_same = table.kind == "view_pairs" and table.identical_views == "only"
        # A probe is compared with entries of another label, or only with those of its own label. By default the label
        # is the sequence itself.
        labels = np.arange(len(evaluation_set.keys))
        if self._only_same or (table.kind == "view_pairs" and table.identical_views is False):
            labels = evaluation_set.views
        elif table.identical_views is False:
            labels = evaluation_set.identities * len(evaluation_set.view_names) + evaluation_set.views
        self._probe_labels, self._gallery_labels = labels[members.probes], labels[members.gallery]

    def counts(self) -> Indices:
        """Return the number of gallery entries that each probe is compared with (P,)."""
        n_labels = int(self._probe_labels.max(initial=-1)) + 1
        n_same = np.bincount(self._gallery_labels, minlength=n_labels)[self._probe_labels]
        if self._only_same:
            return np.asarray(n_same - np.isin(self.members.probes, self.members.gallery))
        return np.asarray(len(self._gallery_labels) - n_same)

    def columns(self, index: int) -> Indices:
        """Return the gallery positions of the entries that the probe at this index is compared with."""
        is_same = self._gallery_labels == self._probe_labels[index]
        if not self._only_same:
            return np.flatnonzero(~is_same)
        return np.flatnonzero(is_same & (self.members.gallery != self.members.probes[index]))


def _evenly_spaced(indices: Indices, n: int) -> Indices:
    """Return n of the indices, or all if there are fewer."""
    n = min(n, len(indices))
    if not n:
        return indices[:0]
    # The position within each of the n equal parts moves on from part to part. At a fixed position, probes would often
    # have the same condition and view, as all people have the same sequences in many datasets.
    parts = np.arange(n)
    return indices[((parts + (parts + 0.5) / n) * len(indices) / n).astype(np.int64)]


def _distances(
    rows: RowBlocks, members: Members, sample: Indices, *, reranked: bool
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield each sampled index of a probe and the distances (G,) to the gallery."""
    if not len(sample):
        return
    if not reranked:
        for start, block in rows(members.probes[sample], members.gallery):
            yield from zip(sample[start : start + len(block)].tolist(), block, strict=True)
        return
    for start, block in rows(members.probes, members.gallery):
        for index in sample[(sample >= start) & (sample < start + len(block))].tolist():
            yield index, block[index - start]


def _neighbors(
    evaluation_set: EvaluationSet, rule: _ComparisonRule, index: int, distances: NDArray[np.float32], n_nearest: int
) -> Retrieved:
    columns = rule.columns(index)
    # Ties in the order of the gallery, as in ranking.
    nearest = columns[np.argsort(distances[columns], kind="stable")[:n_nearest]]
    probe = int(rule.members.probes[index])
    keys, identities = evaluation_set.keys, evaluation_set.identities
    entries = zip(rule.members.gallery[nearest].tolist(), distances[nearest].tolist(), strict=True)
    identity = int(identities[probe])
    return Retrieved(keys[probe], tuple(Neighbor(keys[i], d, int(identities[i]) == identity) for i, d in entries))
