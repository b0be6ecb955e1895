"""The nearest gallery entries of some probes, against plain loops."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
import pytest
import torch

from skelgait.datasets import Group, Partition, Protocol, Table, find_dataset
from skelgait.evaluation import Embeddings, distance_matrix
from skelgait.evaluation.retrieval import Retrieved, retrieve
from skelgait.matching.options import MatchingOptions, Reranking
from skelgait.matching.reranking import compare_all, rerank
from skelgait.storage import Key

Identical = Literal[True, False, "only"]


def walks(identities: str, conditions: list[str], views: list[str]) -> list[Key]:
    return [Key(i, c, v) for i in identities for c in conditions for v in views]


def embeddings_of(keys: list[Key], seed: int = 0) -> Embeddings:
    generator = torch.Generator().manual_seed(seed)
    return Embeddings(keys, torch.randn(len(keys), 5, 3, generator=generator))


def protocol_of(*tables: Table, camera_prefix: bool = False) -> Protocol:
    return Protocol("test", tables, camera_prefix=camera_prefix)


def is_compared(probe: Key, other: Key, kind: str, identical: Identical) -> bool:
    same_view = probe.view.split("_")[0] == other.view.split("_")[0]
    if probe == other:
        return False
    if kind == "view_pairs":
        return same_view if identical == "only" else (identical is True or not same_view)
    return identical is not False or not (same_view and probe.identity == other.identity)


def nearest_by_loop(
    probe: Key, keys: list[Key], distances: np.ndarray, pattern: str, kind: str, identical: Identical, n: int
) -> list[tuple[Key, float, bool]]:
    row = distances[keys.index(probe)]
    left = [
        (float(row[j]), j)
        for j, key in enumerate(keys)
        if fnmatchcase(key.condition, pattern) and is_compared(probe, key, kind, identical)
    ]
    return [(keys[j], d, keys[j].identity == probe.identity) for d, j in sorted(left)[:n]]


def as_tuples(retrieved: Retrieved) -> list[tuple[Key, float, bool]]:
    return [(near.key, near.distance, near.is_right) for near in retrieved.nearest]


def test_empty_groups_retrieve_nothing() -> None:
    group = Group("B", ("b*",), ("n*",))
    only_verifies = protocol_of(Table("V", "verification", (group,), ("eer",)))
    pooled = protocol_of(Table("P", "pooled", (group,)))
    no_embeddings = Embeddings([], torch.empty(0, 5, 3))
    assert retrieve(no_embeddings, pooled) == {"B": ()}
    assert retrieve(embeddings_of(walks("ab", ["b"], ["v"])), pooled) == {"B": ()}  # no gallery
    assert retrieve(embeddings_of(walks("ab", ["n"], ["v"])), pooled) == {"B": ()}  # no probes
    assert retrieve(embeddings_of(walks("ab", ["n", "b"], ["v"])), only_verifies) == {}
    across = protocol_of(Table("A", "view_pairs", (group,)))
    assert retrieve(embeddings_of(walks("ab", ["n", "b"], ["v"])), across) == {"B": ()}  # one view alone
    assert retrieve(embeddings_of(walks("ab", ["n", "b"], ["v"])), pooled, n_probes=0) == {"B": ()}


@pytest.mark.parametrize("kind", ["view_pairs", "cross_view_gallery", "pooled"])
@pytest.mark.parametrize("identical", [False, True, "only"])
@pytest.mark.parametrize("probes", ["b*", "*"], ids=["apart", "probes in the gallery"])
def test_neighbors_equal_plain_loop(kind: str, identical: Identical, probes: str) -> None:
    keys = walks("abcdef", ["n1", "n2", "b1"], ["v_0", "v_1", "w_0"])
    embeddings = embeddings_of(keys)
    table = Table("T", kind, (Group("B", (probes,), ("n*",)),), identical_views=identical)  # type: ignore[arg-type]
    found = retrieve(embeddings, protocol_of(table, camera_prefix=True), n_probes=100, n_nearest=4)["B"]
    distances = distance_matrix(embeddings.values, embeddings.values)
    assert [retrieval.probe for retrieval in found] == [key for key in keys if fnmatchcase(key.condition, probes)]
    for retrieval in found:
        expected = nearest_by_loop(retrieval.probe, keys, distances, "n*", kind, identical, 4)
        assert [near[::2] for near in as_tuples(retrieval)] == [near[::2] for near in expected]
        assert [near.distance for near in retrieval.nearest] == pytest.approx([near[1] for near in expected], rel=1e-5)


def test_first_table_of_ranks_is_used() -> None:
    group = Group("B", ("b",), ("n",))
    tables = (
        Table("V", "verification", (group,), ("eer",)),
        Table("A", "view_pairs", (Group("First", ("b",), ("n",)),)),
        Table("P", "pooled", (Group("Second", ("b",), ("n",)),)),
    )
    found = retrieve(embeddings_of(walks("abc", ["n", "b"], ["v", "w"])), protocol_of(*tables))
    assert list(found) == ["First"]


def test_probes_are_evenly_spaced_over_views() -> None:
    # As in OU-MVLP: 14 views of everybody, and a multiple of 6 people, so that equal parts begin at the same view.
    keys = [Key(f"{i:03d}", c, f"{v:02d}") for i in range(60) for c in ("00", "01") for v in range(14)]
    probes = [key for key in keys if key.condition == "00"]
    found = retrieve(embeddings_of(keys), find_dataset("OUMVLP").protocol)["NM"]
    places = [probes.index(retrieval.probe) for retrieval in found]
    assert len(found) == 6
    assert all(place // 140 == part for part, place in enumerate(places))
    assert set(np.diff(places)) <= {163, 164}
    assert len({retrieval.probe.view for retrieval in found}) >= 3


@pytest.mark.parametrize("n_probes", [1, 2, 5, 6, 7])
def test_no_probe_is_repeated(n_probes: int) -> None:
    keys = walks("abcde", ["n", "b"], ["v"])
    table = Table("P", "pooled", (Group("B", ("b",), ("n",)),))
    found = retrieve(embeddings_of(keys), protocol_of(table), n_probes=n_probes)["B"]
    assert len({retrieval.probe for retrieval in found}) == len(found) == min(n_probes, 5)


def test_probes_without_a_gallery_are_skipped() -> None:
    keys = [*walks("ab", ["b"], ["v", "w"]), *walks("ab", ["n"], ["v"])]
    table = Table("A", "view_pairs", (Group("B", ("b",), ("n",)),))
    found = retrieve(embeddings_of(keys), protocol_of(table))["B"]
    assert [retrieval.probe for retrieval in found] == [Key("a", "b", "w"), Key("b", "b", "w")]
    assert all(len(retrieval.nearest) == 2 for retrieval in found)


def test_probes_named_by_the_partition() -> None:
    keys = walks("abc", ["n1", "n2"], ["v", "w"])
    partition = Partition(frozenset(), frozenset("abc"), frozenset({("b", "n1", "w")}))
    (found,) = retrieve(embeddings_of(keys), find_dataset("Gait3D").protocol, partition, n_nearest=50).values()
    assert [retrieval.probe for retrieval in found] == [Key("b", "n1", "w")]
    # Gait3D leaves nothing out but the probe, which is not in the gallery.
    assert {near.key for near in found[0].nearest} == set(keys) - {Key("b", "n1", "w")}


@pytest.mark.parametrize("memory_mb", [1024, 0])
def test_reranked_neighbors_equal_reranked_rows(memory_mb: int) -> None:
    keys = walks("abcdef", ["n", "b"], ["v", "w"])
    embeddings, how = embeddings_of(keys), Reranking(k1=5, k2=2)
    table = Table("P", "pooled", (Group("B", ("b",), ("n",)),), identical_views=True)
    found = retrieve(
        embeddings, protocol_of(table), options=MatchingOptions(reranking=how, memory_mb=memory_mb), n_probes=4
    )["B"]
    distances = distance_matrix(embeddings.values, embeddings.values)
    probes, gallery = (np.array([i for i, key in enumerate(keys) if key.condition == c]) for c in "bn")

    def rows(probe_indices: np.ndarray, gallery_indices: np.ndarray):  # type: ignore[no-untyped-def]
        yield 0, distances[np.ix_(probe_indices, gallery_indices)]

    ((_, expected),) = rerank(rows, probes, gallery, how)
    assert len(found) == 4
    for retrieval in found:
        row = expected[list(probes).index(keys.index(retrieval.probe))]
        order = np.argsort(row, kind="stable")[:5]
        assert [near.key for near in retrieval.nearest] == [keys[gallery[j]] for j in order]
        assert [near.distance for near in retrieval.nearest] == pytest.approx(row[order].tolist(), abs=1e-5)


def test_only_distances_of_sampled_probes_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(*args: object, **more: object):  # type: ignore[no-untyped-def]
        rows = real(*args, **more)  # type: ignore[arg-type]
        return lambda probe_indices, gallery_indices: (
            asked.append(len(probe_indices)) or rows(probe_indices, gallery_indices)
        )

    real = compare_all
    monkeypatch.setattr("skelgait.evaluation.retrieval.compare_all", counted)
    keys = walks("abcdefgh", ["n", "b"], ["v", "w"])
    retrieve(embeddings_of(keys), protocol_of(Table("P", "pooled", (Group("B", ("b",), ("n",)),))), n_probes=3)
    assert asked == [3]
