"""Training runs beside each other: what is read of them, the table, the plot."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.checkpoints.best_checkpoint import Best
from skelgait.errors import SettingsError
from skelgait.runs import differing_settings, find_runs, summarize
from skelgait.settings.training import TrainSettings
from skelgait.storage import open_source
from skelgait.storage.json_lines import read_json_lines
from skelgait.training import train
from tests.cli.test_cli import call
from tests.runs.run_folders import a_test, steps, write_lines, write_run
from tests.synthetic_data import write_random_maps

SMALL = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 3, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "optimizer": {"milestones": []}, "log_every": 1, "save_every": 2, "num_workers": 0, "device": "cpu",
}  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the runs; the working folder is the one above."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SKELGAIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_no_run_says_where_was_looked(runs: Path) -> None:
    assert call("runs") == (
        1, "",
        "Error: runs: found no run, expected a folder that holds training runs, one folder each; "
        "train first, or name the folder with --runs\n",
    )  # fmt: skip
    (runs / "notes" / "checkpoints").mkdir(parents=True)
    (runs / "settings.yaml").write_text("")
    assert "runs: found no run" in call("runs")[2]
    assert "runs/settings.yaml: found Not a directory" in call("runs", "--runs", "runs/settings.yaml")[2]
    assert "elsewhere: found No such file or directory" in call("runs", "--runs", "elsewhere")[2]


def test_a_run_with_nothing_but_settings(runs: Path) -> None:
    write_run(runs / "new", {"network": {"name": "skeletongait++"}, "iterations": 60000})
    (runs / "no run").mkdir()
    (runs / "new" / "tests.jsonl").write_text("")
    only = json.loads(call("runs", "--json")[1])["runs"]
    nothing = dict.fromkeys(
        ("identities", "iteration", "triplet_loss", "cross_entropy", "accuracy", "active_share", "steps_per_second",
         "best", "started")
    )  # fmt: skip
    assert only == [{"run": "new", "network": "skeletongait++", "iterations": 60000, "checkpoints": 0, **nothing}]
    code, out, err = call("runs")
    assert (code, err) == (0, "")
    assert "- of 60000" in out
    assert "ettings" not in out  # one run differs in nothing


@pytest.mark.parametrize("file", ["run.json", "metrics.jsonl", "tests.jsonl", "checkpoints/checkpoint-000300.pt"])
def test_any_file_of_a_run_makes_it_one(runs: Path, file: str) -> None:
    (runs / "a" / file).parent.mkdir(parents=True)
    (runs / "a" / file).write_text("{}")
    (only,) = map(summarize, find_runs(runs))
    assert (only.run, only.network, only.checkpoints) == ("a", None, int(file.endswith(".pt")))
    assert only.iteration == (300 if file.endswith(".pt") else None)
    assert call("runs")[0] == 0


def test_a_run_in_a_line(runs: Path) -> None:
    write_run(runs / "a", {"network": {"name": "skeletongait"}, "iterations": 60000}, 3, [a_test(20, 0.5, 0.75)])
    lines = steps(3)
    lines[1]["steps_per_second"] = 100.0
    write_lines(runs / "a" / "metrics.jsonl", [*lines, {"triplet/loss": 9.0}], cut='{"iteration": 40, "trip')
    facts = {"started": "2026-11-23T09:30:12+01:00", "data": {"identities": 7}}
    (runs / "a" / "run.json").write_text(json.dumps(facts))
    write_lines(runs / "a" / "checkpoints" / "checkpoint-000010.pt", [])
    write_lines(runs / "a" / "checkpoints" / "checkpoint-000020.pt", [])
    (only,) = map(summarize, find_runs(runs))
    assert (only.identities, only.iteration, only.iterations, only.checkpoints) == (7, 30, 60000, 2)
    assert (only.triplet_loss, only.cross_entropy) == (lines[2]["triplet/loss"], lines[2]["cross_entropy/loss"])
    assert (only.accuracy, only.active_share) == (1 - 1 / 3, 1 / 3)
    assert only.steps_per_second == np.median([line["steps_per_second"] for line in lines])
    assert only.best == Best(20, 0.625)
    assert json.loads(call("runs", "--json")[1])["runs"][0]["best"] == {"iteration": 20, "score": 0.625}
    row = next(line for line in call("runs")[1].splitlines() if line.split()[:1] == ["a"])
    cells = [cell for cell in row.split("  ") if cell]
    assert [cell.strip() for cell in cells if cell.strip()] == [
        "a", "skeletongait", "7", "30 of 60000", f"{only.triplet_loss:.4f}", f"{only.cross_entropy:.4f}",
        "66.7", "33.3", f"{only.steps_per_second:.2f}", "62.5 (at 20)", "2", "2026-11-23 09:30",
    ]  # fmt: skip


def test_a_loss_that_is_not_finite_stays_out_of_the_json(runs: Path) -> None:
    write_lines(runs / "a" / "metrics.jsonl", [{"iteration": 1, "triplet/loss": float("nan"), "steps_per_second": "x"}])
    assert "NaN" not in call("runs", "--json")[1]


def test_two_runs_and_the_settings_in_which_they_differ(runs: Path) -> None:
    common = {"network": {"blocks": [1, 1, 1, 1]}, "iterations": 10}
    write_run(runs / "b", {**common, "run_name": "b", "optimizer": {"learning_rate": 0.05}, "seed": 3})
    write_run(runs / "a", {**common, "run_name": None, "optimizer": {"learning_rate": 0.1}, "compile": None})
    write_lines(runs / "c" / "metrics.jsonl", steps(2))  # tells no settings
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


def test_runs_that_differ_in_nothing_say_so(runs: Path) -> None:
    write_run(runs / "a", {"seed": 1, "run_name": "a"})
    write_run(runs / "b", {"seed": 1, "run_name": "b"})
    assert differing_settings(find_runs(runs)) == {}
    assert call("runs")[1].endswith("Settings that differ\n  none\n")


def test_runs_are_chosen_by_name(runs: Path) -> None:
    for name in ("CCPG_deep", "CCPG_plain", "GREW_deep"):
        write_run(runs / name)
    assert [run.name for run in find_runs(runs, ["GREW_deep", "CCPG_deep", "CCPG_deep"])] == ["CCPG_deep", "GREW_deep"]
    with pytest.raises(SettingsError, match=r"found CCPG_depe, expected some of CCPG_.* did you mean CCPG_deep\?"):
        find_runs(runs, ["CCPG_plain", "CCPG_depe"])
    code, _, err = call("runs", "xyz")
    known = "CCPG_deep, CCPG_plain, GREW_deep"
    assert (code, err) == (
        1, f"Error: RUN: found xyz, expected some of {known}; name some of these, or none for all\n"
    )  # fmt: skip


def test_a_damaged_file_hides_no_other_run(runs: Path) -> None:
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
    assert "runs/b/settings.yaml: found no YAML" in err
    assert "runs/b/run.json: found no JSON" in err
    assert "runs/c/run.json: found a list, expected a JSON object" in err
    assert {"a", "b", "c"} <= {word for line in out.splitlines() for word in line.split()[:1]}


def test_runs_that_train_made(runs: Path) -> None:
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
        assert (row["triplet_loss"], row["cross_entropy"]) == (last["triplet/loss"], last["cross_entropy/loss"])
        assert row["accuracy"] == last["cross_entropy/accuracy"]
    assert report["differing_settings"] == {"train.iterations": {"0": 3, "1": 4}, "train.seed": {"0": 0, "1": 1}}
