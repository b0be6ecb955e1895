"""Evaluations side by side, against a plain loop that draws probes anew."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skelgait.datasets import Table, custom_protocol, verification_protocol
from skelgait.errors import DataError, SettingsError
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
    """Reports of a network, and of a worse one."""
    write(tmp_path / "good", evaluation(embeddings(noise=0.9, seed=1)))
    write(tmp_path / "bad", evaluation(embeddings(noise=1.6, seed=2)))
    return tmp_path / "good", tmp_path / "bad"


def test_a_run_against_itself(two: tuple[Path, Path]) -> None:
    found = compare(two[0], two[0], two[0])
    assert (found.protocol, found.names, found.notes) == ("custom", ("good", "good", "good"), ())
    assert len(found.metrics) == 6
    for metric in found.metrics:
        assert len(set(metric.values)) == 1
        assert [(of.difference, of.interval, of.p) for of in metric.differences] == [(0.0, (0.0, 0.0), 1.0)] * 2


def hits_by_loop(of: object, group: int) -> dict[Key, dict[str, float]]:
    """The metrics of each probe of a group, in the pooled table."""
    ranks = of.report.tables[0].ranks[group]  # type: ignore[attr-defined]
    return {
        KEYS[probe]: {
            "rank_1": float(ranks.first[i, 0] == 1),
            "rank_5": float(1 <= ranks.first[i, 0] <= 5),
            "mean_ap": float(ranks.ap[i, 0]),
            "mean_inp": float(ranks.inp[i, 0]),
        }
        for i, probe in enumerate(ranks.members.probes)
    }


def test_as_a_loop_that_draws_probes_anew(tmp_path: Path) -> None:
    reports = [
        write(tmp_path / name, evaluation(embeddings(noise=noise, seed=seed), POOLED))
        for name, noise, seed in (("good", 0.9, 1), ("bad", 1.6, 2))
    ]
    found = compare(tmp_path / "good", tmp_path / "bad", bootstrap_samples=3000)
    rng = random.Random(0)
    for number, group in enumerate(("Bag", "Coat")):
        first, second = (hits_by_loop(of, number) for of in reports)
        for name in ("rank_1", "rank_5", "mean_ap", "mean_inp"):
            (own,) = [of for of in found.metrics if (of.group, of.metric) == (group, name)]
            differences = [second[key][name] - first[key][name] for key in first]
            assert own.n_probes == len(first)
            assert own.values == pytest.approx(
                [np.mean([of[name] for of in each.values()]) for each in (first, second)]
            )
            samples = [np.mean(rng.choices(differences, k=len(differences))) for _ in range(3000)]
            (difference,) = own.differences
            assert difference.difference == pytest.approx(np.mean(differences))
            assert difference.interval == pytest.approx(np.quantile(samples, [0.025, 0.975]).tolist(), abs=0.035)
            tail = min(np.mean(np.array(samples) >= 0), np.mean(np.array(samples) <= 0))
            assert difference.p == pytest.approx(min(1, 2 * tail), abs=0.04)


def test_a_clear_difference_is_one_and_its_sign_follows_the_order(two: tuple[Path, Path]) -> None:
    good, bad = two
    there, back = compare(good, bad), compare(bad, good)
    for a, b in zip(there.metrics, back.metrics, strict=True):
        (down,), (up,) = a.differences, b.differences
        assert a.values == b.values[::-1]
        assert down.difference == pytest.approx(-up.difference)
        assert down.interval == pytest.approx((-up.interval[1], -up.interval[0]))
        assert down.p == up.p
    (overall,) = [of for of in there.metrics if of.group == "Bag" and of.table.startswith("Over all")]
    assert overall.differences[0].difference < 0
    assert overall.differences[0].interval[1] < 0
    assert overall.differences[0].p < 0.05
    assert all(0 < of.p <= 1 for metric in there.metrics for of in metric.differences)


def test_the_order_of_the_probes_does_not_count(two: tuple[Path, Path], tmp_path: Path) -> None:
    order = random.Random(0).sample(KEYS, len(KEYS))
    write(tmp_path / "bad2", evaluation(embeddings(order, noise=1.6, seed=2)))
    assert compare(*two).metrics == compare(two[0], tmp_path / "bad2").metrics


def test_only_probes_that_all_have_are_compared(two: tuple[Path, Path], tmp_path: Path) -> None:
    fewer = [key for key in KEYS if key.condition == "nm-01" or key.identity not in "ab"]
    write(tmp_path / "fewer", evaluation(embeddings(fewer, noise=0.9, seed=1)))
    found = compare(two[0], tmp_path / "fewer")
    assert (
        "Over all: the gallery of all views, Bag: 12 probes of good are left out, as not all have them" in found.notes
    )
    assert len(found.notes) == 6
    for metric in found.metrics:
        assert metric.n_probes == {"Bag": 48, "Coat": 24}[metric.group]
        # The same network and gallery: over the same probes there is no difference.
        assert metric.values[0] == metric.values[1]
        assert metric.differences[0].p == 1


def test_other_galleries_are_told(two: tuple[Path, Path], tmp_path: Path) -> None:
    fewer = [key for key in KEYS if key.condition != "nm-01" or key.identity not in "ab"]
    write(tmp_path / "fewer", evaluation(embeddings(fewer, noise=0.9, seed=1)))
    notes = compare(two[0], tmp_path / "fewer").notes
    assert (
        "Over all: the gallery of all views, Bag: the galleries are not the same; entries: 30 of good, 24 of fewer"
        in (notes)
    )


def test_other_ways_of_evaluating_are_told(two: tuple[Path, Path]) -> None:
    good, bad = two
    for name, value in (("distance", "cosine"), ("embedding", 2), ("is_reranked", True)):
        content = json.loads((bad / REPORT).read_text())
        (bad / REPORT).write_text(json.dumps({**content, name: value}))
    assert compare(good, bad).notes == (
        "they were not evaluated alike; distance: euclidean of good, cosine of bad",
        "they were not evaluated alike; embedding: 1 of good, 2 of bad",
        "they were not evaluated alike; re-ranked: False of good, True of bad",
    )


def test_one_group_in_common_is_enough(two: tuple[Path, Path], tmp_path: Path) -> None:
    write(tmp_path / "coat", evaluation(embeddings(), custom_protocol(["nm-01"], {"Coat": ["cl-*"]})))
    assert {of.group for of in compare(two[0], tmp_path / "coat").metrics} == {"Coat"}


def test_what_cannot_be_compared_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    good = two[0]
    with pytest.raises(SettingsError, match="RUN: found 1 of them, expected at least two"):
        compare(good)
    write(tmp_path / "other", evaluation(embeddings(), replace(PROTOCOL, name="mine")))
    with pytest.raises(SettingsError, match="found protocols custom of good, mine of other, expected one protocol"):
        compare(good, tmp_path / "other")
    write(tmp_path / "groups", evaluation(embeddings(), custom_protocol(["nm-01"], {"x": ["bg-*"]})))
    with pytest.raises(SettingsError, match="found no probe in a group that all have"):
        compare(good, tmp_path / "groups")
    strangers = [Key(f"{key.identity}2", *key[1:]) for key in KEYS]
    write(tmp_path / "strangers", evaluation(replace(embeddings(), keys=strangers)))
    with pytest.raises(SettingsError, match="found no probe in a group that all have"):
        compare(good, tmp_path / "strangers")
    write(tmp_path / "views", evaluation(embeddings([key for key in KEYS if key.view != "180"])))
    with pytest.raises(DataError, match="found galleries of different views, expected the same ones"):
        compare(good, tmp_path / "views")
    laxer = tuple(replace(table, unmatched_are_wrong=False) for table in PROTOCOL.tables)
    write(tmp_path / "laxer", evaluation(embeddings(), replace(PROTOCOL, tables=laxer)))
    with pytest.raises(DataError, match="found tables under different rules, expected the same ones"):
        compare(good, tmp_path / "laxer")
    write(tmp_path / "pairs", evaluation(embeddings(), verification_protocol(PROTOCOL)))
    with pytest.raises(SettingsError, match="found evaluations without ranks, as verification has none"):
        compare(tmp_path / "pairs", tmp_path / "pairs")


def test_missing_or_damaged_reports_are_named(two: tuple[Path, Path], tmp_path: Path) -> None:
    good, bad = two
    with pytest.raises(
        DataError, match=r"none/report\.json: found No such file or directory, expected the report of an"
    ):
        compare(good, tmp_path / "none")
    content = (bad / RANKS).read_bytes()
    (bad / RANKS).write_bytes(content[: len(content) // 2])
    with pytest.raises(
        DataError, match=r"bad/ranks\.h5: found a damaged file .* evaluate again with `skelgait evaluate`"
    ):
        compare(good, bad)
    (bad / RANKS).unlink()
    with pytest.raises(DataError, match=r"bad/ranks\.h5: found No such file or directory, expected the ranks"):
        compare(good, bad)
