"""Averages of metrics against plain loops, and coverage of bootstrap intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from skelgait.datasets import Group, Table
from skelgait.evaluation.averages import ViewMeans, as_number, average_by_view, values_by_probe
from skelgait.evaluation.bootstrap import bootstrap_weights, percentile_interval
from skelgait.evaluation.evaluation_set import EvaluationSet, Members
from skelgait.evaluation.group_report import report_ranks
from skelgait.evaluation.ranks import GroupRanks
from skelgait.storage import Key

KINDS = ("view_pairs", "cross_view_gallery", "pooled")


def table_of(kind: Any = "view_pairs", unmatched_are_wrong: bool = True) -> Table:
    return Table("T", kind, (Group("G", ("b",), ("n",)),), unmatched_are_wrong=unmatched_are_wrong)


def ranks_of(first: NDArray[np.integer], probe_views: list[int] | None = None) -> GroupRanks:
    """Ranks (P, V), of which ap and inp are their inverse and its square."""
    has_match = first > 0
    ap = np.where(has_match, 1 / np.maximum(first, 1), np.nan).astype(np.float32)
    n_probes, n_cells = first.shape
    return GroupRanks(
        Members(np.arange(n_probes), np.arange(n_cells)),
        np.array(probe_views if probe_views else [0] * n_probes, np.int64),
        np.arange(n_cells),
        first.astype(np.int32),
        ap,
        ap**2,
    )


def plain_cells(
    values: NDArray[np.floating], probe_views: NDArray[np.int64], table: Table, weights: NDArray[np.floating]
) -> ViewMeans:
    """As `average_by_view`, for one draw, probe by probe."""
    views = sorted(set(probe_views.tolist()))
    means = np.full((len(views), values.shape[1]), np.nan)
    for a, view in enumerate(views):
        for v in range(values.shape[1]):
            drawn = [
                values[i, v]
                for i in range(len(values))
                for _ in range(int(weights[i]))
                if probe_views[i] == view and not np.isnan(values[i, v])
            ]
            if drawn:
                mean = sum(drawn) / len(drawn)
                means[a, v] = mean if table.kind == "pooled" else round(mean, 4)
    return ViewMeans(np.array(views), means)


def plain_mean(values: NDArray[np.floating]) -> float:
    defined = [value for value in values.tolist() if not np.isnan(value)]
    return sum(defined) / len(defined) if defined else np.nan


def drawn_ranks(n_probes: int = 25, n_cells: int = 3, seed: int = 0) -> GroupRanks:
    """Ranks with holes: cells without a match, cells not compared, one cell and one stratum without any metric."""
    rng = np.random.default_rng(seed)
    first = rng.integers(-1, 6, (n_probes, n_cells))
    probe_views = rng.integers(0, 3, n_probes)
    first[:, -1] = -1
    first[probe_views == 2] = -1
    return ranks_of(first, (probe_views * 5).tolist())


@pytest.mark.parametrize("unmatched_are_wrong", [True, False])
def test_values_of_each_probe(unmatched_are_wrong: bool) -> None:
    ranks, table = drawn_ranks(), table_of(unmatched_are_wrong=unmatched_are_wrong)
    for metric in ("rank_1", "rank_3", "rank_20", "mean_ap", "mean_inp"):
        found = values_by_probe(ranks, metric, table)
        assert found.dtype == np.float64
        for place, first in np.ndenumerate(ranks.first):
            if metric == "mean_ap":
                expected = 1 / first if first > 0 else np.nan
            elif metric == "mean_inp":
                expected = 1 / first**2 if first > 0 else np.nan
            elif first > 0:
                expected = float(first <= int(metric.removeprefix("rank_")))
            else:
                expected = 0.0 if first == 0 and unmatched_are_wrong else np.nan
            assert found[place] == pytest.approx(expected, nan_ok=True, rel=1e-6)


@pytest.mark.parametrize("metric", ["rank_1", "rank_3", "mean_ap", "mean_inp"])
@pytest.mark.parametrize("unmatched_are_wrong", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_means_equal_plain_loop(kind: str, unmatched_are_wrong: bool, metric: str) -> None:
    ranks, table = drawn_ranks(), table_of(kind, unmatched_are_wrong)
    values = values_by_probe(ranks, metric, table)
    once = np.ones((1, len(values)))
    (drawn,) = bootstrap_weights(len(values), 4)
    drawn[3] = 0
    drawn[3, 0] = len(values)  # one probe alone, so that most probe_views are not drawn at all
    for weights in (None, drawn):
        found = average_by_view(values, ranks.probe_views, table, weights)
        for b, own in enumerate(once if weights is None else weights):
            expected = plain_cells(values, ranks.probe_views, table, own)
            of_draw = (lambda of: of) if weights is None else (lambda of, b=b: of[b])  # type: ignore[misc]
            assert found.probe_views.tolist() == expected.probe_views.tolist() == [0, 5, 10]
            np.testing.assert_allclose(of_draw(found.means), expected.means, atol=1e-9)
            by_probe_view = [plain_mean(row) for row in expected.means]
            np.testing.assert_allclose(of_draw(found.by_probe_view), by_probe_view, atol=1e-9)
            np.testing.assert_allclose(of_draw(found.overall), plain_mean(np.array(by_probe_view)), atol=1e-9)


@pytest.mark.parametrize(("n_probes", "n_cells"), [(0, 0), (0, 2), (3, 0)])
def test_no_probe_gives_no_metric(n_probes: int, n_cells: int) -> None:
    ranks = ranks_of(np.zeros((n_probes, n_cells), np.int64))
    found = average_by_view(values_by_probe(ranks, "mean_ap", table_of()), ranks.probe_views, table_of())
    assert np.isnan(found.overall)
    assert as_number(found.overall) is None
    assert as_number(0.25) == 0.25


def test_view_pairs_are_rounded_but_not_the_overall_mean() -> None:
    ranks = ranks_of(np.array([[1, 2, 2], [2, 1, 2], [2, 2, 2]]))
    values = values_by_probe(ranks, "rank_1", table_of())
    assert average_by_view(values, ranks.probe_views, table_of()).means.tolist() == [[0.3333, 0.3333, 0]]
    assert average_by_view(values, ranks.probe_views, table_of()).overall == pytest.approx(0.2222, abs=1e-12)
    assert average_by_view(values, ranks.probe_views, table_of("pooled")).means[0, 0] == 1 / 3


@pytest.mark.parametrize("n_probes", [1, 3, 7, 160, 799, 800, 1600])  # of 800, some lie just between two decimals
def test_view_pairs_are_percentages_with_two_decimals(n_probes: int) -> None:
    probe_views = np.zeros(n_probes, np.int64)
    for right in range(n_probes + 1):
        values = (np.arange(n_probes) < right).astype(np.float64)[:, None]
        found = average_by_view(values, probe_views, table_of()).means.item()
        assert 100 * found == pytest.approx(np.round(right * 100 / n_probes, 2), abs=1e-9)


@pytest.mark.parametrize(("n_probes", "bootstrap_samples"), [(1, 3), (7, 0), (7, 1), (7, 50), (30, 120)])
def test_bootstrap_samples_have_as_many_probes(n_probes: int, bootstrap_samples: int) -> None:
    parts = list(bootstrap_weights(n_probes, bootstrap_samples))
    assert sum(len(part) for part in parts) == bootstrap_samples
    for part in parts:
        assert part.shape[1] == n_probes
        assert (part.sum(axis=1) == n_probes).all()
        assert (part == part.round()).all()
        assert part.min() >= 0
    # The same again, and for fewer draws the first of them.
    again = list(bootstrap_weights(n_probes, bootstrap_samples))
    assert all((part == other).all() for part, other in zip(parts, again, strict=True))


def test_bootstrap_draws_all_probes_equally() -> None:
    drawn = np.concatenate(list(bootstrap_weights(20, 4000)))
    assert np.abs(drawn.mean(axis=0) - 1).max() < 0.1
    # Numbers of successes in 20 tries at 1 in 20.
    assert drawn.var(axis=0).mean() == pytest.approx(0.95, abs=0.05)


def test_interval_ignores_nan() -> None:
    assert percentile_interval(np.array([])) is None
    assert percentile_interval(np.array([np.nan, np.nan])) is None
    assert percentile_interval(np.array([0.3, np.nan])) == (0.3, 0.3)
    low, high = percentile_interval(np.append(np.linspace(0, 1, 1001), np.nan)) or (0, 0)
    assert (low, high) == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize("unmatched_are_wrong", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_equal_those_of_drawn_probes(kind: Any, unmatched_are_wrong: bool) -> None:
    table = Table("T", kind, (Group("G", ("b",), ("n",)),), ("rank_1", "mean_ap"), True, unmatched_are_wrong)
    rng = np.random.default_rng(2)
    first = rng.choice([0, 1, 2, 3], (60, 1 if kind != "view_pairs" else 3))
    probe_views = [0] * 60 if kind == "pooled" else rng.integers(0, 2, 60).tolist()
    ranks = ranks_of(first, probe_views)
    evaluation_set = EvaluationSet([Key("a", "b", str(i % 3)) for i in range(60)])
    found = report_ranks("G", ranks, table, evaluation_set, 3000).intervals
    assert set(found) == {"rank_1", "mean_ap"}
    for metric, bounds in found.items():
        values, samples = values_by_probe(ranks, metric, table), []
        for _ in range(3000):
            places = rng.integers(0, 60, 60)
            samples.append(float(average_by_view(values[places], ranks.probe_views[places], table).overall))
        assert bounds == pytest.approx(np.quantile(samples, [0.025, 0.975]), abs=0.015)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    table = table_of("view_pairs")
    # Two probe views and two gallery views, one easy and one hard; the truth is the mean of the four.
    chances = np.array([[0.9, 0.6], [0.5, 0.2]])
    n_covered, n_runs = 0, 250
    for _ in range(n_runs):
        probe_views = np.repeat([0, 1], 60)
        values = (rng.random((120, 2)) < chances[probe_views]).astype(np.float64)
        samples = [
            average_by_view(values, probe_views, table, weights).overall for weights in bootstrap_weights(120, 200)
        ]
        low, high = percentile_interval(np.concatenate(samples)) or (np.nan, np.nan)
        assert low < high
        n_covered += low <= chances.mean() <= high
    # 0.95 and three and a half standard errors of a share of 250.
    assert 0.90 < n_covered / n_runs < 0.995


def test_no_bootstrap_samples_give_no_intervals() -> None:
    evaluation_set = EvaluationSet([Key("a", "b", "v")] * 3)
    ranks = ranks_of(np.array([[1], [2], [1]]))
    assert report_ranks("G", ranks, table_of("pooled"), evaluation_set, 0).intervals == {}
    no_ranks = ranks_of(np.zeros((0, 1), np.int64))
    assert report_ranks("G", no_ranks, table_of("pooled"), evaluation_set, 10).intervals == {}
    unmatched = ranks_of(np.zeros((3, 1), np.int64))
    assert report_ranks("G", unmatched, table_of("pooled", False), evaluation_set, 10).intervals == {}
    assert report_ranks("G", unmatched, table_of("pooled"), evaluation_set, 10).intervals == {"rank_1": (0, 0)}
