"""Open-set identification against loops over keys, enrollments and thresholds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from skelgait.datasets import Group, Protocol, Table, open_set_protocol
from skelgait.errors import ProtocolError, SettingsError
from skelgait.evaluation import Embeddings, GroupReport, distance_matrix, score
from skelgait.evaluation.bootstrap import bootstrap_weights
from skelgait.evaluation.open_set import draw_enrolled
from skelgait.evaluation.report import EvaluationReport
from skelgait.matching.options import MatchingOptions, Reranking
from skelgait.storage import Key

RATES = (0.5, 0.2, 0.05)
METRICS = ("dir_at_fpir_1", *(f"{name}_at_fpir_{rate}" for name in ("fnir", "dir") for rate in RATES))
BAGS = Group("Bag", ("b*",), ("n*",))


def walks(people: str = "abcdefgh", strangers: str = "xy", seed: int = 0) -> Embeddings:
    """Return embeddings of people with a gallery and probes, and of strangers who have probes only."""
    keys = [Key(person, c, v) for person in people + strangers for c in ("n1", "b1", "b2") for v in ("000", "090")]
    keys = [key for key in keys if key.identity in people or key.condition != "n1"]
    generator = torch.Generator().manual_seed(seed)
    centers = {person: torch.randn(3, 2, generator=generator) for person in people + strangers}
    noise = torch.randn(len(keys), 3, 2, generator=generator)
    return Embeddings(keys, torch.stack([centers[key.identity] for key in keys]) + 0.7 * noise)


def scored(embeddings: Embeddings, table: Table, bootstrap_samples: int = 0, **options: Any) -> EvaluationReport:
    protocol = Protocol("mine", (table,))
    return score(embeddings, protocol, options=MatchingOptions(**options), bootstrap_samples=bootstrap_samples)


def open_set(group: Group = BAGS, **rules: Any) -> Table:
    return Table("Open", "open_set", (group,), METRICS, **rules)


class PlainSearches:
    """Searches of one enrollment, by loops."""

    def __init__(self, embeddings: Embeddings, table: Table, enrolled: set[str]) -> None:
        keys, distances = embeddings.keys, distance_matrix(embeddings.values[:], embeddings.values[:]).tolist()
        self.mated, self.non_mated = [], []
        for i, probe in enumerate(keys):
            if probe.condition[0] != "b":
                continue
            entries = [
                (distances[i][j], j)
                for j, entry in enumerate(keys)
                if entry.condition[0] == "n"
                and entry.identity in enrolled
                and not (entry[::2] == probe[::2] and table.identical_views is False)
            ]
            mates = [entry for entry in entries if keys[entry[1]].identity == probe.identity]
            if probe.identity not in enrolled:
                self.non_mated.append((min(entries)[0], probe.identity))
            elif mates:
                self.mated.append((min(mates)[0], min(mates) == min(entries), probe.identity))

    def value(self, metric: str, weights: dict[str, float]) -> float:
        """Return the best value over all thresholds with few enough false positives."""
        name, rate = metric.split("_at_fpir_")
        thresholds = [-1.0, *(d for d, _ in self.non_mated), *(d for d, _, _ in self.mated)]
        n_mated, n_non_mated = (sum(weights[search[-1]] for search in kind) for kind in (self.mated, self.non_mated))
        if not n_mated or not n_non_mated:
            return math.nan
        values = []
        for t in thresholds:
            if sum(weights[p] for d, p in self.non_mated if d <= t) / n_non_mated <= float(rate):
                misses = sum(weights[p] for d, _, p in self.mated if d > t) / n_mated
                hits = sum(weights[p] for d, first, p in self.mated if d <= t and first) / n_mated
                values.append(-misses if name == "fnir" else hits)
        return abs(max(values))


def searches_by_loop(embeddings: Embeddings, table: Table) -> list[PlainSearches]:
    people = sorted({key.identity for key in embeddings.keys if key.condition[0] == "n"})
    return [
        PlainSearches(embeddings, table, {name for name, is_in in zip(people, row, strict=True) if is_in})
        for row in draw_enrolled(len(people), table.not_enrolled, table.draws)
    ]


def only_group(report: EvaluationReport) -> GroupReport:
    (group,) = report.tables[0].groups
    return group


@pytest.mark.parametrize("identical_views", [True, False])
@pytest.mark.parametrize(("not_enrolled", "draws"), [(0.5, 4), (0.25, 1)])
@pytest.mark.parametrize("memory_mb", [1, 60 / 2**20])
def test_metrics_equal_plain_loop(identical_views: bool, not_enrolled: float, draws: int, memory_mb: float) -> None:
    embeddings = walks()
    table = open_set(identical_views=identical_views, not_enrolled=not_enrolled, draws=draws)
    group = only_group(scored(embeddings, table, memory_mb=memory_mb))
    plain = searches_by_loop(embeddings, table)
    once = dict.fromkeys("abcdefghxy", 1.0)
    for metric in METRICS:
        needed = 1 / float(metric.split("_")[-1])
        values = [searches.value(metric, once) for searches in plain]
        is_defined = min(len(searches.non_mated) for searches in plain) >= needed
        assert group.metrics[metric] == (pytest.approx(np.mean(values)) if is_defined else None), metric
        for row, value in zip(group.open_set.by_enrollment, values, strict=True):
            assert row[metric] is None or row[metric] == pytest.approx(value)
    counts = group.open_set
    assert counts.n_mated == [len(searches.mated) for searches in plain]
    assert counts.n_non_mated == [len(searches.non_mated) for searches in plain]
    assert (counts.n_people, counts.n_enrolled) == (8, 8 - round(8 * not_enrolled))
    # Metrics are points of the curves.
    for name, curve in (("fnir", counts.false_negative_rates), ("dir", counts.detection_rates)):
        by_rate = dict(zip(counts.false_positive_rates, curve, strict=True))
        for rate in RATES:
            if group.metrics[f"{name}_at_fpir_{rate}"] is not None:
                assert by_rate[rate] == group.metrics[f"{name}_at_fpir_{rate}"]
        assert curve == sorted(curve, reverse=name == "fnir")
    assert counts.false_positive_rates[0] == 1 / min(counts.n_non_mated)
    assert counts.false_positive_rates[-1] == 1


def test_intervals_match_a_plain_bootstrap_over_people_and_enrollments() -> None:
    embeddings, table = walks("abcdefghijkl", "xyz", seed=3), open_set(draws=3)
    group = only_group(scored(embeddings, table, bootstrap_samples=300))
    plain = searches_by_loop(embeddings, table)
    people, rng = "abcdefghijklxyz", np.random.default_rng(5)
    for metric in ("fnir_at_fpir_0.2", "dir_at_fpir_1"):
        samples = []
        for chunk in bootstrap_weights(len(people), 100):
            for row in chunk:
                weights = dict(zip(people, row, strict=True))
                values = [searches.value(metric, weights) for searches in plain]
                samples.append(np.nanmean(rng.choice(values, 3)))
        low, high = group.intervals[metric]
        assert (low, high) == pytest.approx(np.quantile(samples, [0.025, 0.975]).tolist(), abs=0.08)
        assert low < group.metrics[metric] < high


def test_too_few_searches_are_said_instead_of_a_number() -> None:
    report = scored(walks(), open_set(draws=2))
    assert only_group(report).metrics["fnir_at_fpir_0.05"] is not None
    table = Table("Open", "open_set", (BAGS,), ("fnir_at_fpir_0.01", "fnir_at_fpir_0.1"), draws=2)
    report = scored(walks(), table)
    assert only_group(report).metrics["fnir_at_fpir_0.01"] is None
    searches = "24 searches for people who are not enrolled are too few"
    assert f"Open: {searches}, in Bag, for an FPIR of 1 % (at least 100)" in report.notes


def test_probe_without_an_entry_to_compare_with_is_left_out() -> None:
    embeddings = walks()
    table = open_set(identical_views=False, draws=2)
    keys = [Key(*key[:2], "000") if key.identity == "a" and key.condition == "n1" else key for key in embeddings.keys]
    report = scored(Embeddings(keys, embeddings.values), table)
    group = only_group(report)
    assert group.open_set.n_left_out == 2
    assert any("2 of 40 probes of Bag have no gallery entry of their person to compare with" in n for n in report.notes)
    counts = group.open_set
    for mated, non_mated in zip(counts.n_mated, counts.n_non_mated, strict=True):
        assert mated + non_mated in (38, 40)


def test_equal_distances_are_ranked_in_gallery_order_and_accepted_together() -> None:
    keys = walks().keys
    group = only_group(scored(Embeddings(keys, torch.zeros(len(keys), 3, 2)), open_set(draws=1)))
    # Nothing is accepted below FPIR 1; at FPIR 1, the first person of the gallery is returned for all probes.
    assert group.metrics["fnir_at_fpir_0.5"] == 1
    assert group.metrics["dir_at_fpir_0.5"] == 0
    assert group.metrics["dir_at_fpir_1"] == 0.25


def test_enrollments_are_seeded_and_keep_a_person_on_both_sides() -> None:
    drawn = draw_enrolled(9, 0.3, 5)
    assert (drawn.sum(1) == 6).all()
    np.testing.assert_array_equal(drawn, draw_enrolled(9, 0.3, 5))
    assert len({row.tobytes() for row in drawn}) == 5
    assert draw_enrolled(3, 0.01, 1).sum() == 2
    assert draw_enrolled(3, 0.99, 1).sum() == 1
    assert draw_enrolled(1, 0.5, 1).sum() == 1


def test_groups_are_those_of_the_first_table() -> None:
    groups = (Group("A", ("b1",), ("n*",)), Group("B", ("b2",), ("n*",)))
    for kind, rule, expected in (("pooled", False, False), ("view_pairs", False, True), ("pooled", True, True)):
        protocol = open_set_protocol(Protocol("P", (Table("T", kind, groups, identical_views=rule),)), 0.25, 3)
        (table,) = protocol.tables
        assert (table.groups, table.identical_views) == (groups, expected)
        assert (protocol.name, table.not_enrolled, table.draws) == ("P open set", 0.25, 3)
        assert table.title == "Open set: 25 % of the people not enrolled, mean of 3 random enrollments"


def test_distances_of_other_tables_are_left_unchanged() -> None:
    embeddings = walks()
    pooled = Table("T", "pooled", (BAGS,), ("rank_1", "mean_ap"))
    alone = score(embeddings, Protocol("mine", (pooled,)))
    after = score(embeddings, Protocol("mine", (open_set(identical_views=False), pooled)))
    assert after.tables[1].groups == alone.tables[0].groups


def test_reranked_distances_are_searched() -> None:
    report = scored(walks(), open_set(draws=2), reranking=Reranking(k1=6, k2=3))
    assert report.reranked
    assert 0 < only_group(report).metrics["dir_at_fpir_1"] <= 1


def test_without_mated_or_non_mated_searches_there_is_nothing_to_evaluate() -> None:
    for embeddings in (walks("a", ""), walks("ab", "").__class__(*_without_probes_of_enrolled())):
        with pytest.raises(ProtocolError, match=r"\d+ searches for people who are enrolled and \d+ for others"):
            scored(embeddings, open_set(draws=1))


def _without_probes_of_enrolled() -> tuple[list[Key], torch.Tensor]:
    keys = [Key("a", "n1", "0"), Key("b", "n1", "0"), Key("x", "b1", "0")]
    return keys, torch.randn(3, 3, 2, generator=torch.Generator().manual_seed(0))


def test_metric_of_another_kind_is_an_error() -> None:
    with pytest.raises(SettingsError, match="metrics: found eer, expected a metric of an open set"):
        scored(walks(), Table("T", "open_set", (BAGS,), ("eer",)))
    with pytest.raises(SettingsError, match=r"metrics: found fnir_at_fpir_0\.01, expected a metric of v"):
        scored(walks(), Table("T", "verification", (BAGS,), ("fnir_at_fpir_0.01",)))
