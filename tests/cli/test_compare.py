"""`skelgait compare` on reports of real evaluations."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.embedded import CPU, GROUPS, call


@pytest.fixture
def runs(embedded: Path, tmp_path: Path) -> Path:
    """A folder of runs, in which `a` and `b` have reports and `c` has none."""
    for name, file in (("a", "gallery.h5"), ("b", "other.h5")):
        flags = ("--embeddings", file, *GROUPS, "--partition", "partition.json", *CPU)
        assert call("evaluate", *flags, "--report", tmp_path / "runs" / name / "report")[0] == 0
    (tmp_path / "runs" / "c").mkdir()
    return tmp_path / "runs"


def test_differences_have_intervals_and_p(runs: Path) -> None:
    code, out, err = call("compare", "a", "b", "--runs", runs, "--bootstrap-samples", 50)
    assert (code, err) == (0, "")
    assert out.count("custom: ") == 3
    header = next(line for line in out.splitlines() if "metric" in line)
    assert header.split() == ["metric", "a", "b", "b", "-", "a", "probes"]
    assert out.count("rank-1") == 3
    code, out, err = call("compare", "a", "b", "--runs", runs, "--bootstrap-samples", 50, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["names"], found["protocol"], found["notes"]) == (["a", "b"], "custom", [])
    reports = [json.loads((runs / name / "report" / "report.json").read_text()) for name in ("a", "b")]
    for metric in found["metrics"]:
        for value, report in zip(metric["values"], reports, strict=True):
            (table,) = [of for of in report["tables"] if of["title"] == metric["table"]]
            assert value == pytest.approx(table["groups"][0]["metrics"]["rank_1"])
        assert metric["differences"][0]["difference"] == pytest.approx(metric["values"][1] - metric["values"][0])


def test_run_is_given_by_name_path_or_report_folder(runs: Path) -> None:
    expected = json.loads(call("compare", "a", "b", "--runs", runs, "--json")[1])
    near = Path(os.path.relpath(runs))
    for names in (
        (runs / "a", runs / "b"),
        (near / "a", near / "b"),
        (near / "a" / "report", "b"),
        (f"{near}/a/", "b"),
    ):
        code, out, err = call("compare", *names, "--runs", runs, "--json")
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert found.pop("names") == list(map(str, names))
        assert found == {name: value for name, value in expected.items() if name != "names"}


def test_run_compared_with_itself_does_not_differ(runs: Path) -> None:
    code, out, err = call("compare", "a", "a", "--runs", runs)
    assert (code, err) == (0, "")
    assert out.count("+0.0 [+0.0, +0.0] p 1.000") == 3


def test_different_conditions_are_warned_of_on_stderr(runs: Path, embedded: Path) -> None:
    flags = ("--embeddings", "gallery.h5", *GROUPS, "--partition", "partition.json", *CPU, "--distance", "cosine")
    assert call("evaluate", *flags, "--report", runs / "d")[0] == 0
    code, out, err = call("compare", "a", runs / "d", "--runs", runs, "--json")
    assert code == 0
    assert err == f"Warning: different settings: distance euclidean (a), cosine ({runs / 'd'})\n"
    assert json.loads(out)["notes"] == [err.removeprefix("Warning: ").strip()]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "Error: RUN: found 1 run(s), expected at least two; name the runs to compare"),
        (["a", "c"], "runs/c/report/report.json: found No such file or directory, expected an evaluation report"),
        (["a", "none"], "Error: none/report/report.json: found No such file or directory, expected an"),
        (["a", "b", "--bootstrap-samples", "0"], "compare.bootstrap_samples"),
    ],
)
def test_error_is_one_line(runs: Path, names: list[str], message: str) -> None:
    code, out, err = call("compare", *names, "--runs", runs)
    assert (code, out) == (1, "")
    assert message in err
    assert len(err.splitlines()) == 1
