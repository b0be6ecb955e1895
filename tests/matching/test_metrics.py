"""Metrics in one table: built in, families, and added by a program."""

from __future__ import annotations

import doctest
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.datasets import Group, Protocol, Table
from skelgait.embeddings import Embeddings
from skelgait.errors import SettingsError
from skelgait.evaluation import score
from skelgait.matching import metrics
from skelgait.matching.metrics import METRICS, Metric, find_metric, is_metric, register_metric
from skelgait.matching.ranking import Ranks
from skelgait.matching.verification import AcceptRates
from skelgait.reports.ranks_file import read_ranks, write_ranks
from skelgait.reports.tables import tables_of
from skelgait.storage import Key

MEAN_RANK = Metric(
    "mean_rank",
    "mean rank",
    from_ranks=lambda ranks: ranks.first,
    needs_all_matches=False,
    text=lambda rank: f"{rank:.2f}",
)
KEYS = [Key(identity, condition, "v") for identity in "abc" for condition in ("nm", "bg")]


@pytest.fixture(autouse=True)
def unchanged_table() -> Iterator[None]:
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


def protocol_of(*names: str, kind: str = "pooled") -> Protocol:
    return Protocol("mine", (Table("T", kind, (Group("Bag", ("bg",), ("nm",)),), names, identical_views=True),))


def embeddings() -> Embeddings:
    """Embeddings on a line: the probe of a finds its match first, that of b second, and that of c third."""
    positions = {("a", "nm"): 0, ("a", "bg"): 0, ("b", "nm"): 1, ("b", "bg"): 3.4, ("c", "nm"): 4, ("c", "bg"): -1}
    return Embeddings(KEYS, torch.tensor([[[float(positions[key.identity, key.condition])]] for key in KEYS]))


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [("rank_1", "rank-1", 1 / 3), ("rank_2", "rank-2", 2 / 3), ("rank_7", "rank-7", 1), ("mean_ap", "mAP", 11 / 18)],
)
def test_metric_of_ranks(name: str, label: str, value: float) -> None:
    report = score(embeddings(), protocol_of(name))
    assert report.tables[0].groups[0].metrics == {name: pytest.approx(value)}
    (table,) = tables_of(report.to_dict())
    assert table.header[1] == label
    assert table.rows[0][1] == f"{100 * value:.1f}"


def test_registered_metric_is_scored_and_printed() -> None:
    with pytest.raises(SettingsError, match="metrics: found mean_rank, expected one of rank_1, "):
        score(embeddings(), protocol_of("mean_rank"))
    register_metric(MEAN_RANK)
    report = score(embeddings(), protocol_of("rank_1", "mean_rank"), bootstrap_samples=10)
    assert report.tables[0].groups[0].metrics == {"rank_1": pytest.approx(1 / 3), "mean_rank": 2.0}
    (table,) = tables_of(report.to_dict())
    assert list(table.header[1:3]) == ["rank-1", "mean rank"]
    assert table.rows[0][2].startswith("2.00 [1.")


def test_families_have_any_rank_and_any_rate() -> None:
    ranks = Ranks(np.array([[1], [7], [8], [0]]), np.zeros((4, 1)), np.zeros((4, 1)))
    assert find_metric("rank_7").from_ranks(ranks)[:3, 0].tolist() == [True, True, False]
    rates = AcceptRates(np.array([0.1, 0.2]), np.array([0.5, 0.9]), np.array([0.05, 0.06]), 10, 100)
    assert find_metric("tar_at_far_0.05").from_rates(rates) == 0.5
    assert find_metric("tar_at_far_0.05").label == "TAR at FAR 5 %"


@pytest.mark.parametrize(
    "name", ["rank_0", "rank_", "rank_01", "tar_at_far_0", "tar_at_far_0.0", "tar_at_far_2", "mAP", ""]
)
def test_unknown_name_is_an_error(name: str) -> None:
    assert not is_metric(name)
    with pytest.raises(SettingsError, match=f"metrics: found {name}, expected one of rank_1, .*, eer, "):
        find_metric(name)


@pytest.mark.parametrize(("name", "kind"), [("eer", "pooled"), ("rank_1", "verification")])
def test_metric_in_table_of_other_kind_is_an_error(name: str, kind: str) -> None:
    with pytest.raises(SettingsError, match=f"metrics: found {name}, expected a metric of"):
        score(embeddings(), protocol_of(name, kind=kind))


def test_metric_needs_one_function() -> None:
    with pytest.raises(SettingsError, match="found none of from_ranks, from_rates and from_open_set, expected one"):
        Metric("m", "M")


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(metrics).failed == 0


def test_tables_are_imported_without_torch() -> None:
    code = (
        "import sys, skelgait.matching.metrics, skelgait.matching.registry; print({'torch', 'numba'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_registered_metric_is_read_back_from_a_report(tmp_path: Path) -> None:
    register_metric(MEAN_RANK)
    write_ranks(tmp_path / "ranks.h5", score(embeddings(), protocol_of("mean_rank")))
    (stored,) = read_ranks(tmp_path / "ranks.h5")
    assert stored.table.metrics == ("mean_rank",)
