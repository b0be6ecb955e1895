"""Whom a network takes a probe for: the nearest gallery entries of some probes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Partition, Protocol, Table
from skelgait.embeddings import Embeddings
from skelgait.evaluation.test_sequences import Indices, Members, TestSet
from skelgait.matching.distances import RowBlocks
from skelgait.matching.options import MatchingOptions
from skelgait.matching.reranking import compare_all
from skelgait.storage import Key


@dataclass(frozen=True)
class Neighbor:
    """A gallery entry that is near a probe.

    Attributes:
        key: the entry.
        distance: to the probe.
        is_right: whether it is of the probe's identity.
    """

    key: Key
    distance: float
    is_right: bool


@dataclass(frozen=True)
class Retrieved:
    """A probe and its neighbors.

    Attributes:
        probe: the probe.
        nearest: gallery entries, the nearest first.
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
    """Some probes of each group, and the gallery entries nearest to each.

    The probes stand evenly spaced in the order of the sequences, whatever the network makes of them: they are an honest
    sample, neither the best nor the worst. Those for which the rules leave no gallery entry are passed over.

    Args:
        embeddings: the embedded test sequences.
        protocol: its first table that does not verify says who is compared with whom. In a table by view pairs, a
            probe has the entries of all views that it is compared with for neighbors.
        partition: for protocols whose probes it names one by one.
        options: distance, device, memory and re-ranking, which needs the distances of all probes.
        n_probes: probes of each group, or all where there are fewer.
        n_nearest: neighbors of each probe, or all where there are fewer.

    Returns:
        By the name of the group; none of a protocol that only verifies.
    """
    table = next((table for table in protocol.tables if table.kind != "verification"), None)
    if table is None:
        return {}
    probes = partition.probes if partition else frozenset()
    test_set = TestSet(embeddings.keys, camera_of_view=protocol.camera_of_view, probes=probes)
    options = options or MatchingOptions()
    rows = compare_all(embeddings.values, options)
    found = {}
    for group in table.groups:
        rule = _Rule(test_set, table, test_set.members(group))
        chosen = _evenly_spaced(np.flatnonzero(rule.counts()), n_probes)
        found[group.name] = tuple(
            _neighbors(test_set, rule, place, distances, n_nearest)
            for place, distances in _distances(rows, rule.members, chosen, is_reranked=options.reranking is not None)
        )
    return found


class _Rule:
    """Which gallery entries each probe of a group is compared with.

    Args:
        test_set: all sequences.
        table: the rules.
        members: the probes and the gallery.
    """

    def __init__(self, test_set: TestSet, table: Table, members: Members) -> None:
        self.members = members
        self._only = table.kind == "view_pairs" and table.identical_views == "only"
        # What is alike in this is left out, or alone left; a sequence is always like itself.
        alike = np.arange(len(test_set.keys))
        if self._only or (table.kind == "view_pairs" and table.identical_views is False):
            alike = test_set.views
        elif table.identical_views is False:
            alike = test_set.identities * len(test_set.view_names) + test_set.views
        self._probes, self._gallery = alike[members.probes], alike[members.gallery]

    def counts(self) -> Indices:
        """(P,) entries that each probe is compared with."""
        n_alike = np.bincount(self._gallery, minlength=int(self._probes.max(initial=-1)) + 1)[self._probes]
        if self._only:
            return np.asarray(n_alike - np.isin(self.members.probes, self.members.gallery))
        return np.asarray(len(self._gallery) - n_alike)

    def columns(self, place: int) -> Indices:
        """The entries that the probe at a place is compared with, by their place in the gallery."""
        is_alike = self._gallery == self._probes[place]
        if not self._only:
            return np.flatnonzero(~is_alike)
        return np.flatnonzero(is_alike & (self.members.gallery != self.members.probes[place]))


def _evenly_spaced(places: Indices, n: int) -> Indices:
    """`n` of some places, or all where there are fewer."""
    n = min(n, len(places))
    if not n:
        return places[:0]
    # A little further on in each of n equal parts: in datasets where everybody has the same walks, equal places in
    # the parts would often be of the same condition and view.
    parts = np.arange(n)
    return places[((parts + (parts + 0.5) / n) * len(places) / n).astype(np.int64)]


def _distances(
    rows: RowBlocks, members: Members, chosen: Indices, *, is_reranked: bool
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Of each chosen place among the probes, the distances (G,) to the gallery."""
    if not len(chosen):
        return
    if not is_reranked:
        for start, block in rows(members.probes[chosen], members.gallery):
            yield from zip(chosen[start : start + len(block)].tolist(), block, strict=True)
        return
    for start, block in rows(members.probes, members.gallery):
        for place in chosen[(chosen >= start) & (chosen < start + len(block))].tolist():
            yield place, block[place - start]


def _neighbors(test_set: TestSet, rule: _Rule, place: int, distances: NDArray[np.float32], n_nearest: int) -> Retrieved:
    columns = rule.columns(place)
    # Ties in the order of the gallery, as in ranking.
    nearest = columns[np.argsort(distances[columns], kind="stable")[:n_nearest]]
    probe = int(rule.members.probes[place])
    keys, identities = test_set.keys, test_set.identities
    entries = zip(rule.members.gallery[nearest].tolist(), distances[nearest].tolist(), strict=True)
    own = int(identities[probe])
    return Retrieved(keys[probe], tuple(Neighbor(keys[i], d, int(identities[i]) == own) for i, d in entries))
