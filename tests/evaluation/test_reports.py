"""Reports of groups, field by field, against plain loops over keys."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch

from skelgait.datasets import Group, Partition, Protocol, Table, verification_protocol
from skelgait.evaluation import Embeddings, GroupReport, distance_matrix, score
from skelgait.evaluation.report import EvaluationReport
from skelgait.matching.options import MatchingOptions, Reranking
from skelgait.storage import Key
from tests.evaluation.plain_tables import PlainGroup
from tests.matching.plain_reranking import plain_rerank

METRICS = ("rank_1", "rank_3", "mean_ap", "mean_inp")
GROUPS = (
    Group("overlap", ("b*", "n-2"), ("n*",)),  # some probes are in the gallery as well
    Group("strangers", ("s[12]",), ("n-1",)),  # a condition of few, with brackets in its pattern
    Group("no gallery", ("b*",), ("gone",)),
    Group("no probe", ("gone",), ("n*",)),
)


def some_keys(seed: int = 0) -> list[Key]:
    """Two thirds of all walks of some people, of whom some do not walk in every condition."""
    rng = np.random.default_rng(seed)
    keys = [
        Key(identity, condition, view)
        for identity in ("a", "b", "é", "e\u0301", "名前", "b ")
        for condition in ("n-1", "n-2", "b-1", "b 2", "s1", "s[12]")
        for view in ("1_0", "1_1", "02_0", "ü_0")
        if rng.random() < 0.66 and (identity, condition) not in (("a", "n-1"), ("名前", "n-1"), ("名前", "n-2"))
    ]
    rng.shuffle(keys)
    return keys


def embeddings_for(keys: list[Key], seed: int = 0) -> Embeddings:
    """Embeddings in which people are to be told, but badly."""
    generator = torch.Generator().manual_seed(seed)
    people = sorted({key.identity for key in keys})
    centers = torch.randn(len(people), 5, 3, generator=generator)
    noise = torch.randn(len(keys), 5, 3, generator=generator)
    return Embeddings(keys, centers[[people.index(key.identity) for key in keys]] + 1.3 * noise)


def assert_alike(found: Any, expected: Any, where: str = "") -> None:
    """Nested metrics, numbers to 1e-6."""
    if isinstance(expected, dict):
        assert list(found) == list(expected) or set(found) == set(expected), where
        for key, value in expected.items():
            assert_alike(found[key], value, f"{where}/{key}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=1e-6), where
    elif isinstance(expected, tuple):
        assert len(found) == len(expected), where
        for place, (item, other) in enumerate(zip(found, expected, strict=True)):
            assert_alike(item, other, f"{where}/{place}")
    else:
        assert found == expected, where


def assert_reports(found: GroupReport, expected: GroupReport) -> None:
    for attribute in fields(GroupReport):
        assert_alike(getattr(found, attribute.name), getattr(expected, attribute.name), attribute.name)


@pytest.mark.parametrize("camera_prefix", [False, True])
@pytest.mark.parametrize("unmatched_are_wrong", [False, True])
@pytest.mark.parametrize("identical_views", [False, True, "only"])
@pytest.mark.parametrize("kind", ["view_pairs", "cross_view_gallery", "pooled"])
def test_every_field_equals_plain_loop(
    kind: Any, identical_views: Any, unmatched_are_wrong: bool, camera_prefix: bool
) -> None:
    table = Table("T", kind, GROUPS, METRICS, identical_views, unmatched_are_wrong)
    keys = some_keys()
    embeddings = embeddings_for(keys)
    distances = distance_matrix(embeddings.values, embeddings.values)
    report = score(embeddings, Protocol("mine", (table,), camera_prefix))
    for group, group_report in zip(GROUPS, report.tables[0].groups, strict=True):
        assert_reports(group_report, PlainGroup(keys, distances, table, group, camera_prefix).report())
    overlap, strangers, no_gallery, no_probe = report.tables[0].groups
    # The data hold what is to be tested.
    assert 0 < overlap.metrics["rank_1"] < 1  # type: ignore[operator]
    assert overlap.excluded_pairs["the probe itself"] > 5
    assert strangers.unmatched["not enrolled"]
    assert (no_gallery.n_gallery, no_probe.n_probes) == (0, 0)
    assert no_gallery.n_probes
    assert set(no_gallery.metrics.values()) == {None}


def test_probes_named_by_a_partition() -> None:
    keys = some_keys(1)
    embeddings = embeddings_for(keys)
    named = frozenset(tuple(key) for key in keys[::4])
    table = Table("T", "pooled", (Group("G", (), ("*",)),), METRICS, identical_views=True)
    partition = Partition(frozenset(), frozenset(key.identity for key in keys), named)
    report = score(embeddings, Protocol("mine", (table,)), partition)
    distances = distance_matrix(embeddings.values, embeddings.values)
    plain = PlainGroup(keys, distances, table, table.groups[0], named=named)
    assert len(plain.probes) + len(plain.gallery) == len(keys)
    assert_reports(report.tables[0].groups[0], plain.report())


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_memory_does_not_change_the_report(distance: str) -> None:
    embeddings = embeddings_for(some_keys())
    protocol = Protocol("mine", tuple(Table(kind, kind, GROUPS[:1], METRICS) for kind in ("view_pairs", "pooled")))
    progress: list[int] = []
    whole = score(embeddings, protocol, options=MatchingOptions(distance), advance=progress.append)
    assert progress == [whole.tables[0].groups[0].n_probes]
    progress.clear()
    in_blocks = score(
        embeddings, protocol, options=MatchingOptions(distance, memory_mb=500 / 2**20), advance=progress.append
    )
    assert len(progress) > 5
    assert sum(progress) == whole.tables[0].groups[0].n_probes
    assert in_blocks.to_dict() == whole.to_dict()


PEAK = """
import resource
import torch
from skelgait.datasets import Group, Protocol, Table
from skelgait.evaluation import Embeddings, score
from skelgait.matching.options import MatchingOptions
from skelgait.storage import Key
n = 9000
tables = (
    Table("pooled", "pooled", (Group("G", ("b",), ("n",)),), ("rank_1", "mean_ap")),
    Table("pairs", "view_pairs", (Group("G", ("b",), ("n",)),)),
    Table("verified", "verification", (Group("G", ("b",), ("n",)),), ("eer",)),
)
def peak(n):
    keys = [Key(str(i // 2 % 2999), "nb"[i % 2], str(i % 2)) for i in range(2 * n)]
    score(Embeddings(keys, torch.randn(2 * n, 2, 1)), Protocol("mine", tables), options=MatchingOptions(memory_mb=8))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak(500)
print(peak(n) - before, 4 * n * n / 2**20)
"""


@pytest.mark.slow
def test_distances_are_never_all_in_memory() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    grown, whole = map(float, done.stdout.split())
    assert whole > 300
    assert grown < whole / 3


@pytest.mark.parametrize("kind", ["view_pairs", "pooled"])
def test_reranked_distances_are_ranked(kind: Any) -> None:
    keys = some_keys()
    embeddings = embeddings_for(keys)
    table = Table("T", kind, GROUPS[:1], METRICS)
    how = Reranking(k1=6, k2=3, weight=0.4)
    report = score(embeddings, Protocol("mine", (table,)), options=MatchingOptions(reranking=how))
    plain = distance_matrix(embeddings.values, embeddings.values)
    group = PlainGroup(keys, plain, table, GROUPS[0])
    probes, gallery = np.array(group.probes), np.array(group.gallery)
    plain[np.ix_(probes, gallery)] = plain_rerank(plain, probes, gallery, 6, 3, 0.4)
    expected = PlainGroup(keys, plain, table, GROUPS[0]).report()
    assert_reports(report.tables[0].groups[0], expected)
    assert report.reranked
    assert expected.metrics != score(embeddings, Protocol("mine", (table,))).tables[0].groups[0].metrics


def verified(embeddings: Embeddings, table: Table, **more: Any) -> EvaluationReport:
    return score(embeddings, verification_protocol(Protocol("mine", (table,), camera_prefix=True)), **more)


@pytest.mark.parametrize("memory_mb", [1, 500 / 2**20])
@pytest.mark.parametrize(
    ("kind", "identical_views", "leaves_out"),
    [
        ("pooled", False, True),
        ("cross_view_gallery", False, True),
        ("pooled", True, False),
        ("view_pairs", False, False),
    ],
)
def test_verification(kind: Any, identical_views: Any, leaves_out: bool, memory_mb: float) -> None:
    keys = some_keys()
    embeddings = embeddings_for(keys)
    distances = distance_matrix(embeddings.values, embeddings.values)
    report = verified(
        embeddings,
        Table("T", kind, GROUPS, identical_views=identical_views),
        options=MatchingOptions(memory_mb=memory_mb),
    )
    assert report.protocol == "mine verification"
    overlap = report.tables[0].groups[0]
    table = Table("T", "pooled", GROUPS, identical_views=not leaves_out)
    plain = PlainGroup(keys, distances, table, GROUPS[0], camera_prefix=True)
    genuine, impostor = [], []
    for i in plain.probes:
        for j in plain.gallery:
            if not plain.are_one_person(i, j):
                impostor.append(distances[i, j])
            elif not plain.why_left_out(i, j):
                genuine.append(distances[i, j])
    roc = overlap.roc
    assert roc is not None
    assert (roc.n_genuine, roc.n_impostor) == (len(genuine), len(impostor))
    assert overlap.excluded_pairs == plain.report().excluded_pairs
    assert (overlap.n_probes, overlap.n_gallery) == (len(plain.probes), len(plain.gallery))
    for share in (0.1, 0.01, 0.001):
        # Distances of one bin are accepted together, so that it may be a few pairs less.
        limit = np.sort(impostor)[int(share * len(impostor))]
        at_most = np.mean(np.array(genuine) < limit)
        found = overlap.metrics[f"tar_at_far_{share}"]
        assert found is not None
        assert at_most - 0.02 <= found <= at_most
    eer = overlap.metrics["eer"]
    shares = [(np.mean(np.array(impostor) <= t), np.mean(np.array(genuine) > t)) for t in sorted(genuine + impostor)]
    false, rejected = min(shares, key=lambda pair: abs(pair[0] - pair[1]))
    assert eer == pytest.approx((false + rejected) / 2, abs=0.01)
    for threshold, true, false in zip(roc.thresholds, roc.true_accept_rates, roc.false_accept_rates, strict=True):
        assert true == np.mean(np.array(genuine) <= threshold)
        assert false == np.mean(np.array(impostor) <= threshold)
    assert roc.false_accept_rates == sorted(roc.false_accept_rates)
    assert roc.false_accept_rates[-1] == 1


def test_report_is_json() -> None:
    embeddings = embeddings_for(some_keys())
    tables = (
        Table("T", "view_pairs", GROUPS, METRICS),
        Table("V", "verification", GROUPS, ("eer", "tar_at_far_0.1")),
    )
    report = score(embeddings, Protocol("mine", tables), bootstrap_samples=20)
    loaded = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert [group["n_probes"] for group in loaded["tables"][1]["groups"]] == [
        g.n_probes for g in report.tables[0].groups
    ]
    assert json.loads(json.dumps(report.summary(), allow_nan=False))["tables"][0]["groups"][0]["metrics"]


def test_repeated_key_counts_twice() -> None:
    # What has the same key is no different from what has another: only the probe itself is left out.
    keys = [Key("a", "n", "v"), Key("a", "n", "v"), Key("b", "n", "v")]
    table = Table("T", "pooled", (Group("G", ("n",), ("n",)),), identical_views=True)
    group_report = score(Embeddings(keys, torch.zeros(3, 2, 1)), Protocol("mine", (table,))).tables[0].groups[0]
    assert (group_report.n_probes, group_report.n_unmatched, group_report.excluded_pairs) == (
        3,
        1,
        {"the probe itself": 3},
    )
