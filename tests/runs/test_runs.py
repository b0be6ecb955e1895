"""Comparison of training runs: summaries, settings that differ, and the table of `skelgait runs`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.checkpoints.best_checkpoint import BestEvaluation
from skelgait.errors import SettingsError
from skelgait.runs import differing_settings, find_runs, summarize
from skelgait.settings.training import TrainSettings
from skelgait.storage import open_source
from skelgait.storage.json_lines import read_json_lines
from skelgait.training import train
from tests.cli.test_cli import call
from tests.runs.run_folders import evaluation, steps, write_lines, write_run
from tests.synthetic_data import write_random_maps

SMALL = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 3, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "optimizer": {"milestones": []}, "log_every": 1, "save_every": 2, "num_workers": 0, "device": "cpu",
}  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the runs, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SKELGAIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_folder_without_runs_is_an_error(runs: Path) -> None:
    assert call("runs") == (
        1, "",
        "Error: runs: found no run, expected a folder with training runs; "
        "train first, or give the folder with --runs\n",
    )  # fmt: skip
    (runs / "notes" / "checkpoints").mkdir(parents=True)
    (runs / "settings.yaml").write_text("")
    assert "runs: found no run" in call("runs")[2]
    assert "runs/settings.yaml: found Not a directory" in call("runs", "--runs", "runs/settings.yaml")[2]
    assert "elsewhere: found No such file or directory" in call("runs", "--runs", "elsewhere")[2]


def test_run_with_settings_only_has_no_metrics(runs: Path) -> None:
    write_run(runs / "new", {"network": {"name": "skeletongait++"}, "iterations": 60000})
    (runs / "no run").mkdir()
    (runs / "new" / "tests.jsonl").write_text("")
    rows = json.loads(call("runs", "--json")[1])["runs"]
    nothing = dict.fromkeys(("identities", "iteration", "steps_per_second", "best", "started")) | {"metrics": {}}
    assert rows == [{"run": "new", "network": "skeletongait++", "iterations": 60000, "checkpoints": 0, **nothing}]
    code, out, err = call("runs")
    assert (code, err) == (0, "")
    assert "- of 60000" in out
    assert "ettings" not in out  # a single run differs from no other


@pytest.mark.parametrize("file", ["run.json", "metrics.jsonl", "tests.jsonl", "checkpoints/checkpoint-000300.pt"])
def test_folder_with_any_run_file_is_a_run(runs: Path, file: str) -> None:
    (runs / "a" / file).parent.mkdir(parents=True)
    (runs / "a" / file).write_text("{}")
    (summary,) = map(summarize, find_runs(runs))
    assert (summary.run, summary.network, summary.checkpoints) == ("a", None, int(file.endswith(".pt")))
    assert summary.iteration == (300 if file.endswith(".pt") else None)
    assert call("runs")[0] == 0


def test_summary_has_last_logged_metrics_and_best_evaluation(runs: Path) -> None:
    write_run(runs / "a", {"network": {"name": "skeletongait"}, "iterations": 60000}, 3, [evaluation(20, 0.5, 0.75)])
    lines = steps(3)
    lines[1]["steps_per_second"] = 100.0
    write_lines(runs / "a" / "metrics.jsonl", [*lines, {"triplet/loss": 9.0}], cut='{"iteration": 40, "trip')
    facts = {"started": "2026-11-23T09:30:12+01:00", "data": {"identities": 7}}
    (runs / "a" / "run.json").write_text(json.dumps(facts))
    write_lines(runs / "a" / "checkpoints" / "checkpoint-000010.pt", [])
    write_lines(runs / "a" / "checkpoints" / "checkpoint-000020.pt", [])
    (summary,) = map(summarize, find_runs(runs))
    assert (summary.identities, summary.iteration, summary.iterations, summary.checkpoints) == (7, 30, 60000, 2)
    assert summary.metrics == {
        "triplet/loss": lines[2]["triplet/loss"], "triplet/active_share": 1 / 3,
        "cross_entropy/loss": lines[2]["cross_entropy/loss"], "cross_entropy/accuracy": 1 - 1 / 3,
    }  # fmt: skip
    assert summary.steps_per_second == np.median([line["steps_per_second"] for line in lines])
    assert summary.best == BestEvaluation(20, 0.625)
    assert json.loads(call("runs", "--json")[1])["runs"][0]["best"] == {
        "iteration": 20,
        "score": 0.625,
        "subset": "test",
    }
    row = next(line for line in call("runs")[1].splitlines() if line.split()[:1] == ["a"])
    cells = [cell for cell in row.split("  ") if cell]
    assert [cell.strip() for cell in cells if cell.strip()] == [
        "a", "30 of 60000", "62.5 (test, at 20)", f"{summary.metrics['triplet/loss']:.4f}", "33.3",
        f"{summary.metrics['cross_entropy/loss']:.4f}", "66.7", f"{summary.steps_per_second:.2f}", "skeletongait", "7",
        "2", "2026-11-23 09:30",
    ]  # fmt: skip


def test_loss_that_is_not_finite_is_left_out_of_the_json(runs: Path) -> None:
    write_lines(runs / "a" / "metrics.jsonl", [{"iteration": 1, "triplet/loss": float("nan"), "steps_per_second": "x"}])
    assert "NaN" not in call("runs", "--json")[1]


def test_differing_settings_of_two_runs_are_listed(runs: Path) -> None:
    common = {"network": {"blocks": [1, 1, 1, 1]}, "iterations": 10}
    write_run(runs / "b", {**common, "run_name": "b", "optimizer": {"learning_rate": 0.05}, "seed": 3})
    write_run(runs / "a", {**common, "run_name": None, "optimizer": {"learning_rate": 0.1}, "compile": None})
    write_lines(runs / "c" / "metrics.jsonl", steps(2))  # without settings
    differing = {
        "train.optimizer.learning_rate": {"a": 0.1, "b": 0.05},
        "train.compile": {"a": None},
        "train.seed": {"b": 3},
    }
    assert differing_settings(find_runs(runs)) == differing
    report = json.loads(call("runs", "--json")[1])
    assert [run["run"] for run in report["runs"]] == ["a", "b", "c"]
    assert (report["folder"], report["differing_settings"], report["plot"]) == ("runs", differing, None)
    rows = [line.split() for line in call("runs")[1].splitlines()]
    assert ["setting", "a", "b"] in rows
    assert ["train.optimizer.learning_rate", "0.1", "0.05"] in rows
    assert ["train.seed", "-", "3"] in rows
    assert "Settings" not in call("runs", "b")[1]


def test_equal_runs_have_no_differing_settings(runs: Path) -> None:
    write_run(runs / "a", {"seed": 1, "run_name": "a"})
    write_run(runs / "b", {"seed": 1, "run_name": "b"})
    assert differing_settings(find_runs(runs)) == {}
    assert call("runs")[1].endswith("Settings that differ\n  none\n")


def test_runs_are_selected_by_name(runs: Path) -> None:
    for name in ("CCPG_deep", "CCPG_plain", "GREW_deep"):
        write_run(runs / name)
    assert [run.name for run in find_runs(runs, ["GREW_deep", "CCPG_deep", "CCPG_deep"])] == ["CCPG_deep", "GREW_deep"]
    with pytest.raises(SettingsError, match=r"found CCPG_depe, expected some of CCPG_.* did you mean CCPG_deep\?"):
        find_runs(runs, ["CCPG_plain", "CCPG_depe"])
    code, _, err = call("runs", "xyz")
    known = "CCPG_deep, CCPG_plain, GREW_deep"
    assert (code, err) == (
        1, f"Error: RUN: found xyz, expected some of {known}; give some of these names, or none for all runs\n"
    )  # fmt: skip


def test_damaged_file_does_not_hide_other_runs(runs: Path) -> None:
    write_run(runs / "a")
    write_run(runs / "b")
    (runs / "b" / "settings.yaml").write_text("train: {")
    (runs / "b" / "run.json").write_text('{"started"')
    write_run(runs / "c")
    (runs / "c" / "settings.yaml").write_text("train:")
    (runs / "c" / "run.json").write_text("[1]")
    code, out, err = call("runs")
    assert code == 0
    assert err.count("Warning") == 3
    assert "runs/b/settings.yaml: found invalid YAML" in err
    assert "runs/b/run.json: found a damaged file" in err
    assert "runs/c/run.json: found a damaged file" in err
    assert {"a", "b", "c"} <= {word for line in out.splitlines() for word in line.split()[:1]}


def test_runs_written_by_train_are_summarized(runs: Path) -> None:
    write_random_maps(runs.parent / "maps")
    maps = open_source(runs.parent / "maps", "map")
    for seed in (0, 1):
        settings = TrainSettings.model_validate({**SMALL, "seed": seed, "iterations": 3 + seed})
        train(maps, {"000", "001", "002"}, runs / str(seed), settings, torch.device("cpu"))
    report = json.loads(call("runs", "--json")[1])
    rows = {row["run"]: row for row in report["runs"]}
    for name, iterations, checkpoints in (("0", 3, 2), ("1", 4, 2)):
        row, last = rows[name], read_json_lines(runs / name / "metrics.jsonl")[-1]
        assert (row["network"], row["iteration"], row["iterations"]) == ("skeletongait", iterations, iterations)
        assert row["checkpoints"] == checkpoints
        assert row["metrics"] == {name: value for name, value in last.items() if "/" in name}
        assert {"triplet/loss", "cross_entropy/loss", "cross_entropy/accuracy"} <= row["metrics"].keys()
    assert report["differing_settings"] == {"train.iterations": {"0": 3, "1": 4}, "train.seed": {"0": 0, "1": 1}}
