"""The whole road on synthetic walkers, in processes of their own: one, two, and through torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from skelgait.checkpoints.checkpoint import load_checkpoint
from tests.paths import ROOT
from tests.synthetic_data import write_dataset

SETTINGS = """
partition: partition.json
heatmap: {workers: 2}
train:
  network: {channels: [4, 8, 8, 8], embedding_width: 8}
  sampling: {identities_per_batch: 4, sequences_per_identity: 2, clip_len: 4, skip: 1}
  optimizer: {milestones: [4], learning_rate: 0.001}
  iterations: 5
  log_every: 1
  save_every: 5
  num_workers: 0
evaluate:
  protocol: custom
  gallery: [nm-01]
  probes: {Normal: [nm-05], Bag: ["bg-*"]}
"""


def skelgait(folder: Path, *args: object, launcher: tuple[str, ...] = ()) -> str:
    """Run a command in `folder` and return its stdout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "skelgait", *map(str, args)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    write_dataset(folder)
    (folder / "skelgait.yaml").write_text(SETTINGS)
    skelgait(folder, "heatmap")
    skelgait(folder, "link")
    return folder


def rank_1(report: str) -> list[float]:
    tables = json.loads(report)["tables"]
    return [group["metrics"]["rank_1"] for table in tables for group in table["groups"]]


@pytest.mark.slow
@pytest.mark.parametrize("network", ["skeletongait", "skeletongait++"])
def test_one_process_or_two(workspace: Path, network: str) -> None:
    # One step: rounding grows from step to step in so small a network, with one process as with two.
    runs = {"one": (), "two": ("--nproc", 2)}
    for run, more in runs.items():
        skelgait(workspace, "train", "--network", network, "--run-name", f"{network}-{run}", "--iterations", 1, *more)
    one, two = (
        load_checkpoint(workspace / "runs" / f"{network}-{run}" / "checkpoints" / "checkpoint-000001.pt").weights
        for run in runs
    )
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-4, atol=1e-4, msg=name)
    lines = [
        [
            json.loads(line)
            for line in (workspace / "runs" / f"{network}-{run}" / "metrics.jsonl").read_text().splitlines()
        ]
        for run in runs
    ]
    for first, second in zip(*lines, strict=True):
        for term in ("triplet/loss", "cross_entropy/loss"):
            assert first[term] == pytest.approx(second[term], rel=1e-3), term

    evaluate = ("evaluate", "--network", network, "--run-name", f"{network}-one", "--json")
    reports = [
        skelgait(workspace, *evaluate),
        skelgait(workspace, *evaluate, "--batch-size", 7),
        skelgait(workspace, *evaluate, "--nproc", 2),
    ]
    metrics = [rank_1(report) for report in reports]
    assert metrics[0] == metrics[1] == metrics[2]
    assert all(metric is not None for metric in metrics[0])


@pytest.mark.slow
def test_tests_while_training_with_one_process_or_two(workspace: Path) -> None:
    flags = ("--iterations", 1, "--set", "train.eval_during_training=true")
    found = []
    for run, more in {"tested-one": (), "tested-two": ("--nproc", 2)}.items():
        skelgait(workspace, "train", "--run-name", run, *flags, *more)
        (line,) = (workspace / "runs" / run / "tests.jsonl").read_text().splitlines()
        assert json.loads(line)["n_sequences"] == 32
        found.append(rank_1(line))
    assert found[0] == pytest.approx(found[1], abs=0.13), "one probe of eight may fall to the other side"
    assert all(metric is not None for metric in found[0])
    best = json.loads(skelgait(workspace, "evaluate", "--run-name", "tested-two", "--best", "--nproc", 2, "--json"))
    assert best == json.loads((workspace / "runs" / "tested-two" / "report" / "report.json").read_text())


@pytest.mark.slow
def test_torchrun_starts_the_processes_too(workspace: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    skelgait(workspace, "train", "--run-name", "torchrun", "--iterations", 1, launcher=launcher)
    assert (workspace / "runs" / "torchrun" / "checkpoints" / "checkpoint-000001.pt").is_file()


@pytest.mark.slow
def test_an_error_in_several_processes_is_said_once(workspace: Path) -> None:
    command = [sys.executable, "-m", "skelgait", "train", "--nproc", "2", "--maps", "nowhere"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("Error: nowhere: found No such file or directory") == 1
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_an_error_in_one_of_several_processes_is_said_by_itself(workspace: Path) -> None:
    skelgait(workspace, "train", "--run-name", "damaged", "--iterations", 1)
    # The test sequences are dealt out in turn: this is the first of the second process.
    bad = next(file for file in sorted((workspace / "maps").rglob("*.pkl")) if file.parts[-4] >= "075")
    others = sorted(path for path in (workspace / "maps").rglob("*.pkl") if path.parts[-4] == bad.parts[-4])
    good = others[1].read_bytes()
    others[1].write_bytes(good[:2000])
    command = [sys.executable, "-m", "skelgait", "evaluate", "--run-name", "damaged", "--nproc", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    others[1].write_bytes(good)
    assert run.returncode == 1
    assert run.stderr.startswith(f"Error: {others[1].relative_to(workspace)}: found pickle data was truncated")
    assert run.stderr.count("\n") == 1


@pytest.mark.slow
def test_hdf5_all_the_way(workspace: Path) -> None:
    flags = ("--maps", "maps-hdf5", "--storage", "hdf5")
    skelgait(workspace, "heatmap", *flags)
    skelgait(workspace, "link", *flags, "--pairs", "pairs-hdf5")
    more = ("--network", "skeletongait++", "--pairs", "pairs-hdf5", "--run-name", "hdf5", "--iterations", 1)
    skelgait(workspace, "train", *more)
    skelgait(workspace, "train", *more[:2], "--run-name", "pkl", "--iterations", 1)
    first, second = (
        load_checkpoint(workspace / "runs" / run / "checkpoints" / "checkpoint-000001.pt").weights
        for run in ("hdf5", "pkl")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
