"""Comparison of evaluations, against a plain bootstrap loop."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from skelgait.datasets import Table, custom_protocol, verification_protocol
from skelgait.errors import DataError, SettingsError
from skelgait.evaluation.bootstrap import bootstrap_weights
from skelgait.matching.distances import distance_matrix
from skelgait.matching.verification import AcceptRates
from skelgait.pipelines.evaluate import Evaluation
from skelgait.reports.compare import Comparison, compare_reports
from skelgait.reports.folder import RANKS, REPORT
from skelgait.storage import Key
from tests.reports.evaluations import KEYS, PROTOCOL, embeddings, evaluation, write

POOLED = replace(
    PROTOCOL, tables=(Table("T", "pooled", PROTOCOL.tables[0].groups, ("rank_1", "rank_5", "mean_ap", "mean_inp")),)
)


def compare(*folders: Path, bootstrap_samples: int = 200) -> Comparison:
    return compare_reports(folders, [folder.name for folder in folders], bootstrap_samples)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Reports of a good and of a worse network."""
    write(tmp_path / "good", evaluation(embeddings(noise=0.9, seed=1)))
    write(tmp_path / "bad", evaluation(embeddings(noise=1.6, seed=2)))
    return tmp_path / "good", tmp_path / "bad"


def test_run_compared_with_itself_has_no_difference(two: tuple[Path, Path]) -> None:
    comparison = compare(two[0], two[0], two[0])
    assert (comparison.protocol, comparison.names, comparison.notes) == ("custom", ("good", "good", "good"), ())
    assert len(comparison.metrics) == 6
    for metric in comparison.metrics:
        assert len(set(metric.values)) == 1
        assert [(d.difference, d.interval, d.p) for d in metric.differences] == [(0.0, (0.0, 0.0), 1.0)] * 2


def hits_by_loop(evaluated: Evaluation, group: int) -> dict[Key, dict[str, float]]:
    """Return the metrics of each probe of a group in the pooled table."""
    ranks = evaluated.report.tables[0].ranks[group]
    assert ranks is not None
    return {
        KEYS[probe]: {
            "rank_1": float(ranks.first[i, 0] == 1),
            "rank_5": float(1 <= ranks.first[i, 0] <= 5),
            "mean_ap": float(ranks.ap[i, 0]),
            "mean_inp": float(ranks.inp[i, 0]),
        }
        for i, probe in enumerate(ranks.members.probes)
    }


def test_values_intervals_and_p_match_a_plain_bootstrap_loop(tmp_path: Path) -> None:
    reports = [
        write(tmp_path / name, evaluation(embeddings(noise=noise, seed=seed), POOLED))
        for name, noise, seed in (("good", 0.9, 1), ("bad", 1.6, 2))
    ]
    comparison = compare(tmp_path / "good", tmp_path / "bad", bootstrap_samples=3000)
    rng = random.Random(0)
    for number, group in enumerate(("Bag", "Coat")):
        first, second = (hits_by_loop(report, number) for report in reports)
        for name in ("rank_1", "rank_5", "mean_ap", "mean_inp"):
            (metric,) = [m for m in comparison.metrics if (m.group, m.metric) == (group, name)]
            differences = [second[key][name] - first[key][name] for key in first]
            assert metric.n_probes == len(first)
            means = [np.mean([hits[name] for hits in probes.values()]) for probes in (first, second)]
            assert metric.values == pytest.approx(means)
            samples = [np.mean(rng.choices(differences, k=len(differences))) for _ in range(3000)]
            (difference,) = metric.differences
            assert difference.difference == pytest.approx(np.mean(differences))
            assert difference.interval == pytest.approx(np.quantile(samples, [0.025, 0.975]).tolist(), abs=0.035)
            tail = min(np.mean(np.array(samples) >= 0), np.mean(np.array(samples) <= 0))
            assert difference.p == pytest.approx(min(1, 2 * tail), abs=0.04)


def test_significant_difference_changes_sign_with_the_order_of_runs(two: tuple[Path, Path]) -> None:
    good, bad = two
    forward, backward = compare(good, bad), compare(bad, good)
    for a, b in zip(forward.metrics, backward.metrics, strict=True):
        (down,), (up,) = a.differences, b.differences
        assert a.values == b.values[::-1]
        assert down.difference == pytest.approx(-up.difference)
        assert down.interval == pytest.approx((-up.interval[1], -up.interval[0]))
        assert down.p == up.p
    (overall,) = [m for m in forward.metrics if m.group == "Bag" and m.table.startswith("Over all")]
    assert overall.differences[0].difference < 0
    assert overall.differences[0].interval[1] < 0
    assert overall.differences[0].p < 0.05
    assert all(0 < d.p <= 1 for metric in forward.metrics for d in metric.differences)


def test_order_of_probes_changes_nothing(two: tuple[Path, Path], tmp_path: Path) -> None:
    order = random.Random(0).sample(KEYS, len(KEYS))
    write(tmp_path / "bad2", evaluation(embeddings(order, noise=1.6, seed=2)))
    assert compare(*two).metrics == compare(two[0], tmp_path / "bad2").metrics


def test_only_common_probes_are_compared(two: tuple[Path, Path], tmp_path: Path) -> None:
    fewer = [key for key in KEYS if key.condition == "nm-01" or key.identity not in "ab"]
    write(tmp_path / "fewer", evaluation(embeddings(fewer, noise=0.9, seed=1)))
    comparison = compare(two[0], tmp_path / "fewer")
    title = "Over all: the gallery of all views, Bag"
    assert f"{title}: 12 probes of good are excluded, because not all evaluations have them" in comparison.notes
    assert len(comparison.notes) == 6
    for metric in comparison.metrics:
        assert metric.n_probes == {"Bag": 48, "Coat": 24}[metric.group]
        # Same network, gallery and probes, so no difference.
        assert metric.values[0] == metric.values[1]
        assert metric.differences[0].p == 1


def test_different_galleries_are_noted(two: tuple[Path, Path], tmp_path: Path) -> None:
    fewer = [key for key in KEYS if key.condition != "nm-01" or key.identity not in "ab"]
    write(tmp_path / "fewer", evaluation(embeddings(fewer, noise=0.9, seed=1)))
    notes = compare(two[0], tmp_path / "fewer").notes
    title = "Over all: the gallery of all views, Bag"
    assert f"{title}: different galleries, with 30 (good), 24 (fewer) entries" in notes


def test_different_settings_are_noted(two: tuple[Path, Path]) -> None:
    good, bad = two
    for name, value in (("distance", "cosine"), ("embedding", 2), ("reranked", True)):
        content = json.loads((bad / REPORT).read_text())
        (bad / REPORT).write_text(json.dumps({**content, name: value}))
    assert compare(good, bad).notes == (
        "different settings: distance euclidean (good), cosine (bad)",
        "different settings: embedding 1 (good), 2 (bad)",
        "different settings: re-ranking no (good), yes (bad)",
    )


def test_one_common_group_is_enough(two: tuple[Path, Path], tmp_path: Path) -> None:
    write(tmp_path / "coat", evaluation(embeddings(), custom_protocol(["nm-01"], {"Coat": ["cl-*"]})))
    assert {metric.group for metric in compare(two[0], tmp_path / "coat").metrics} == {"Coat"}


def test_evaluations_without_common_probes_protocol_or_rules_raise(two: tuple[Path, Path], tmp_path: Path) -> None:
    good = two[0]
    with pytest.raises(SettingsError, match=r"RUN: found 1 run\(s\), expected at least two"):
        compare(good)
    write(tmp_path / "other", evaluation(embeddings(), replace(PROTOCOL, name="mine")))
    with pytest.raises(SettingsError, match=r"found protocols custom \(good\), mine \(other\), expected one protocol"):
        compare(good, tmp_path / "other")
    write(tmp_path / "groups", evaluation(embeddings(), custom_protocol(["nm-01"], {"x": ["bg-*"]})))
    with pytest.raises(SettingsError, match=r"found no common probes \(good: Bag, Coat; "):
        compare(good, tmp_path / "groups")
    others = [Key(f"{key.identity}2", *key[1:]) for key in KEYS]
    write(tmp_path / "others", evaluation(replace(embeddings(), keys=others)))
    with pytest.raises(SettingsError, match=r"found no common probes \(good: Bag, Coat; "):
        compare(good, tmp_path / "others")
    write(tmp_path / "views", evaluation(embeddings([key for key in KEYS if key.view != "180"])))
    with pytest.raises(DataError, match="found galleries of different views, expected the same in all evaluations"):
        compare(good, tmp_path / "views")
    lenient = tuple(replace(table, unmatched_are_wrong=False) for table in PROTOCOL.tables)
    write(tmp_path / "lenient", evaluation(embeddings(), replace(PROTOCOL, tables=lenient)))
    with pytest.raises(DataError, match="found tables with different rules, expected the same in all evaluations"):
        compare(good, tmp_path / "lenient")


def test_missing_or_damaged_files_are_named(two: tuple[Path, Path], tmp_path: Path) -> None:
    good, bad = two
    with pytest.raises(
        DataError, match=r"none/report\.json: found No such file or directory, expected an evaluation report"
    ):
        compare(good, tmp_path / "none")
    content = (bad / RANKS).read_bytes()
    (bad / RANKS).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"bad/ranks\.h5: found a damaged file .* run `skelgait evaluate` again"):
        compare(good, bad)
    (bad / RANKS).unlink()
    with pytest.raises(DataError, match=r"bad/ranks\.h5: found No such file or directory, expected the ranks"):
        compare(good, bad)


def test_paths_may_be_strings_and_name_the_runs(two: tuple[Path, Path]) -> None:
    good, bad = map(str, two)
    comparison = compare_reports([good, bad], bootstrap_samples=20)
    assert comparison.names == (good, bad)


VERIFICATION = verification_protocol(PROTOCOL)


@cache
def pairs_by_distance(noise: float, seed: int) -> list[tuple[float, str, str]]:
    """Return distance and people of each pair of group Bag, from the nearest on."""
    values = embeddings(noise=noise, seed=seed).values[:]
    probes = [i for i, key in enumerate(KEYS) if key.condition.startswith("bg")]
    gallery = [i for i, key in enumerate(KEYS) if key.condition == "nm-01"]
    distances = distance_matrix(values[probes], values[gallery]).tolist()
    return sorted(
        (distances[row][column], KEYS[i].identity, KEYS[j].identity)
        for row, i in enumerate(probes)
        for column, j in enumerate(gallery)
    )


def rates_by_loop(noise: float, seed: int, weights: Mapping[str, float]) -> AcceptRates:
    """Return the accept rates if pairs count as often as their people are drawn."""
    pairs = pairs_by_distance(noise, seed)
    genuine = np.cumsum([weights[a] * (a == b) for _, a, b in pairs])
    impostor = np.cumsum([weights[a] * weights[b] * (a != b) for _, a, b in pairs])
    return AcceptRates(np.array([d for d, _, _ in pairs]), genuine / genuine[-1], impostor / impostor[-1], 1, 1)


def test_verifications_match_a_plain_bootstrap_over_people(tmp_path: Path) -> None:
    for name, noise, seed in (("good", 1.1, 1), ("bad", 1.8, 2)):
        write(tmp_path / name, evaluation(embeddings(noise=noise, seed=seed), VERIFICATION))
    comparison = compare(tmp_path / "good", tmp_path / "bad", bootstrap_samples=150)
    assert comparison.notes == ()
    assert {(m.group, m.metric) for m in comparison.metrics} == {
        (group, metric) for group in ("Bag", "Coat") for metric in VERIFICATION.tables[0].metrics
    }
    people = sorted({key.identity for key in KEYS})
    drawn = [dict(zip(people, row, strict=True)) for chunk in bootstrap_weights(len(people), 150) for row in chunk]
    functions = {"eer": AcceptRates.equal_error_rate, "tar_at_far_0.1": lambda rates: rates.true_at(0.1)}
    for metric, function in functions.items():
        (compared,) = [m for m in comparison.metrics if (m.group, m.metric) == ("Bag", metric)]
        once = dict.fromkeys(people, 1.0)
        assert compared.values == pytest.approx(
            [function(rates_by_loop(1.1, 1, once)), function(rates_by_loop(1.8, 2, once))], abs=0.004
        )
        samples = [
            function(rates_by_loop(1.8, 2, weights)) - function(rates_by_loop(1.1, 1, weights)) for weights in drawn
        ]
        (difference,) = compared.differences
        assert difference.interval == pytest.approx(np.quantile(samples, [0.025, 0.975]).tolist(), abs=0.035)
        tail = min(sum(s >= 0 for s in samples), sum(s <= 0 for s in samples))
        assert difference.p == pytest.approx(min(1, 2 * (tail + 1) / 151), abs=0.02)


def test_verification_compared_with_itself_has_no_difference(tmp_path: Path) -> None:
    write(tmp_path / "a", evaluation(embeddings(), VERIFICATION))
    for metric in compare(tmp_path / "a", tmp_path / "a").metrics:
        assert [(d.difference, d.interval, d.p) for d in metric.differences] == [(0.0, (0.0, 0.0), 1.0)]


def test_verifications_of_different_people_are_not_compared(tmp_path: Path) -> None:
    write(tmp_path / "all", evaluation(embeddings(), VERIFICATION))
    fewer = [key for key in KEYS if key.identity != "a"]
    write(tmp_path / "fewer", evaluation(embeddings(fewer), VERIFICATION))
    with pytest.raises(SettingsError, match=r"not compared, because the people differ: 10 \(all\), 9 \(fewer\)"):
        compare(tmp_path / "all", tmp_path / "fewer")
    fewer = [key for key in KEYS if key.view != "180"]
    write(tmp_path / "views", evaluation(embeddings(fewer), VERIFICATION))
    title = f"{VERIFICATION.tables[0].title}, Bag"
    assert f"{title}: different numbers of genuine pairs, 180 (all), 80 (views)" in (
        compare(tmp_path / "all", tmp_path / "views").notes
    )
