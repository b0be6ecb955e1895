"""Training in several processes gives the result of one process: with --nproc and with torchrun.

In float64 one and two processes agree to 1e-9 after ten steps at any learning rate. In float32, a larger learning rate
than here multiplies rounding errors in every step. This also happens in one process with another number of threads.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from skelgait.checkpoints.checkpoint import load_checkpoint
from tests.paths import ROOT
from tests.synthetic_data import write_random_maps

STEPS = 10
SETTINGS = f"""
partition: partition.json
train:
  network: {{channels: [16, 16, 16, 16], embedding_width: 16}}
  sampling: {{identities_per_batch: 4, sequences_per_identity: 2, clip_len: 5, skip: 1}}
  optimizer: {{learning_rate: 0.0001, milestones: [8]}}
  iterations: {STEPS}
  log_every: 1
  save_every: {STEPS}
  num_workers: 1
  device: cpu
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    write_random_maps(folder / "maps", identities=4, views=3)
    identities = [f"{identity:03d}" for identity in range(4)]
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": identities, "TEST_SET": ["004"]}))
    (folder / "skelgait.yaml").write_text(SETTINGS)
    train(folder, "one")
    train(folder, "start", "--iterations", 1)
    return folder


def train(folder: Path, run: str, *flags: object, launcher: tuple[str, ...] = ()) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "skelgait", "train", "--run-name", run, *map(str, flags)]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr


# Trains with a callback, which appends its arguments to a file of its process.
WITH_CALLBACK = """
import json, os
import torch
from skelgait import load_settings
from skelgait.pipelines.train import train_run
from skelgait.runtime.processes import join_processes

def log(step, values):
    with open(f"callback-{os.environ['RANK']}.jsonl", "a") as file:
        print(json.dumps([step, values]), file=file)

flags = {
    "partition": "with-test.json", "evaluate.gallery": ("n",), "evaluate.probes": {"all": ("n",)},
    "train.sampling.identities_per_batch": 2, "train.run_name": "callback", "train.eval_during_training": True,
    "train.iterations": 4, "train.log_every": 2, "train.save_every": 4,
}
with join_processes(torch.device("cpu")):
    train_run(load_settings(flags=flags).settings, torch.device("cpu"), on_metrics=log)
"""


def continuous_losses(line: dict[str, float]) -> tuple[float, float]:
    """Return the losses of a step; the mean over active triplets jumps when a triplet becomes active, their sum not."""
    return line["triplet/loss"] * line["triplet/n_active"], line["cross_entropy/loss"]


def assert_same_as_one_process(folder: Path, run: str) -> None:
    """Compare losses of every step, and the final weights and batch norm statistics."""
    expected, result = (
        [json.loads(line) for line in (folder / "runs" / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", run)
    )
    assert [line["iteration"] for line in result] == list(range(1, STEPS + 1))
    for one, several in zip(expected, result, strict=True):
        # Each step multiplies rounding errors; by how much after ten steps depends on the processor.
        tolerance = 1e-4 if one["iteration"] <= 5 else 1e-3
        for losses in zip(*map(continuous_losses, (one, several)), strict=True):
            assert losses[1] == pytest.approx(losses[0], rel=tolerance, abs=1e-4), one["iteration"]
    one, several = (
        load_checkpoint(folder / "runs" / name / "checkpoints" / f"checkpoint-{STEPS:06d}.pt").weights
        for name in ("one", run)
    )
    assert any("running_var" in name for name in one)
    start = load_checkpoint(folder / "runs" / "start" / "checkpoints" / "checkpoint-000001.pt").weights
    moved = [float((one[name] - start[name]).abs().max()) for name in one if name.endswith("weight")]
    assert sorted(moved)[len(moved) // 2] > 5e-4, "the steps are too small for a comparison"
    for name in one:
        torch.testing.assert_close(several[name], one[name], rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.slow
def test_two_processes_on_one_machine_equal_one_process(workspace: Path) -> None:
    train(workspace, "two", "--nproc", 2)
    assert_same_as_one_process(workspace, "two")


@pytest.mark.slow
def test_two_nodes_equal_one_process(workspace: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ("-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--rdzv-id", "walkers")
    launcher += ("--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}")
    with ThreadPoolExecutor(2) as nodes:
        futures = [nodes.submit(train, workspace, "nodes", launcher=launcher) for _ in range(2)]
    for future in futures:
        future.result()
    assert_same_as_one_process(workspace, "nodes")


@pytest.mark.slow
def test_callback_is_called_in_rank_0_alone_once_for_each_log(workspace: Path) -> None:
    (workspace / "with_callback.py").write_text(WITH_CALLBACK)
    (workspace / "with-test.json").write_text(json.dumps({"TRAIN_SET": ["000", "001", "002"], "TEST_SET": ["003"]}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    command = [sys.executable, *launcher, "with_callback.py"]
    result = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in workspace.glob("callback-*")] == ["callback-0.jsonl"]
    calls = [json.loads(line) for line in (workspace / "callback-0.jsonl").read_text().splitlines()]
    assert [step for step, _ in calls] == [2, 4, 4]
    logged = [json.loads(line) for line in (workspace / "runs" / "callback" / "metrics.jsonl").read_text().splitlines()]
    for (step, values), line in zip(calls[:2], logged, strict=True):
        assert {"iteration": step, **values} == line
    assert 0 <= calls[2][1]["test/rank_1"] <= 1
