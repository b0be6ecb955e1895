"""Whole pipeline on synthetic walkers, as separate processes: one, two, and with torchrun."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from skelgait.checkpoints.checkpoint import load_checkpoint
from tests.commands import run_command, skelgait
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
def test_two_processes_train_and_evaluate_like_one(workspace: Path, network: str) -> None:
    # One step only, because rounding differences grow from step to step in such a small network.
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
def test_evaluation_during_training_with_two_processes_equals_one(workspace: Path) -> None:
    flags = ("--iterations", 1, "--set", "train.eval_during_training=true")
    ranks = []
    for run, more in {"tested-one": (), "tested-two": ("--nproc", 2)}.items():
        skelgait(workspace, "train", "--run-name", run, *flags, *more)
        (line,) = (workspace / "runs" / run / "tests.jsonl").read_text().splitlines()
        assert json.loads(line)["n_sequences"] == 32
        ranks.append(rank_1(line))
    assert ranks[0] == pytest.approx(ranks[1], abs=0.13), "one of eight probes may change"
    assert all(metric is not None for metric in ranks[0])
    best = json.loads(skelgait(workspace, "evaluate", "--run-name", "tested-two", "--best", "--nproc", 2, "--json"))
    assert best == json.loads((workspace / "runs" / "tested-two" / "report" / "report.json").read_text())


@pytest.mark.slow
def test_torchrun_trains(workspace: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    skelgait(workspace, "train", "--run-name", "torchrun", "--iterations", 1, launcher=launcher)
    assert (workspace / "runs" / "torchrun" / "checkpoints" / "checkpoint-000001.pt").is_file()


@pytest.mark.slow
def test_error_of_all_processes_is_printed_once(workspace: Path) -> None:
    run = run_command(workspace, "train", "--nproc", 2, "--maps", "nowhere")
    assert run.returncode == 1
    assert run.stderr.count("Error: nowhere: found No such file or directory") == 1
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_error_of_another_rank_is_printed_alone(workspace: Path) -> None:
    skelgait(workspace, "train", "--run-name", "damaged", "--iterations", 1)
    # Test sequences are distributed in turn: this one belongs to rank 1.
    files = sorted((workspace / "maps").rglob("*.pkl"))
    first_test_identity = next(file.parts[-4] for file in files if file.parts[-4] >= "075")
    damaged = [file for file in files if file.parts[-4] == first_test_identity][1]
    content = damaged.read_bytes()
    damaged.write_bytes(content[:2000])
    run = run_command(workspace, "evaluate", "--run-name", "damaged", "--nproc", 2)
    damaged.write_bytes(content)
    assert run.returncode == 1
    assert run.stderr.startswith(f"Error: {damaged.relative_to(workspace)}: found pickle data was truncated")
    assert run.stderr.count("\n") == 1


@pytest.mark.slow
def test_hdf5_trains_bit_identical_weights(workspace: Path) -> None:
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
