"""Interrupted training resumes bit for bit: after signals, full disks, and damaged files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.errors import CheckpointError, DataError
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource, open_source
from skelgait.training import TrainReport, train
from tests.full_disk import full_disk
from tests.paths import ROOT
from tests.synthetic_data import write_random_maps

CPU = torch.device("cpu")
IDENTITIES = ["000", "001", "002", "003"]
SMALL = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 4, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "optimizer": {"milestones": [20], "learning_rate": 0.01},
    "iterations": 24,
    "log_every": 1,
    "save_every": 5,
    "num_workers": 1,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    write_random_maps(folder / "maps")
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": IDENTITIES, "TEST_SET": ["004"]}))
    (folder / "skelgait.yaml").write_text(json.dumps({"partition": "partition.json", "train": SMALL}))
    run(folder, "whole")
    return folder


def maps(workspace: Path) -> SequenceSource:
    return open_source(workspace / "maps", "map")


def run(workspace: Path, name: str, **changes: object) -> TrainReport:
    """Train in this process."""
    settings = TrainSettings.model_validate({**SMALL, **changes})
    return train(maps(workspace), IDENTITIES, workspace / "runs" / name, settings, CPU)


def command(*flags: object) -> list[str]:
    return [sys.executable, "-m", "skelgait", "train", *map(str, flags)]


def environment() -> dict[str, str]:
    # The number of threads determines the order of sums.
    threads = str(torch.get_num_threads())
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"}


def losses(run: Path) -> list[tuple[int, float, float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(line["iteration"], line["triplet/loss"], line["cross_entropy/loss"]) for line in lines]


def assert_same_runs(workspace: Path, one: str, other: str) -> None:
    """Compare losses of every step, weights and optimizer state bit for bit."""
    first, second = (workspace / "runs" / name for name in (one, other))
    assert losses(first) == losses(second)
    expected, result = (load_checkpoint(run / "checkpoints" / "checkpoint-000024.pt") for run in (first, second))
    assert all(torch.equal(expected.weights[name], result.weights[name]) for name in expected.weights)
    momentum = [
        [state["momentum_buffer"] for state in checkpoint.training["optimizer"]["state"].values()]
        for checkpoint in (expected, result)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*momentum, strict=True))


def stop_after_some_steps(workspace: Path, name: str, number: signal.Signals, *flags: object) -> tuple[int, str]:
    """Train in another process for 7 steps, then send it a signal; return the exit code and stderr."""
    metrics = workspace / "runs" / name / "metrics.jsonl"
    process = subprocess.Popen(
        command("--run-name", name, *flags), cwd=workspace, env=environment(), stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 120
    while not metrics.is_file() or metrics.read_text().count("\n") < 7:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(number)
    stderr = process.communicate(timeout=120)[1]
    return process.returncode, stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_resume_after_signal_is_bit_identical(workspace: Path, number: signal.Signals) -> None:
    code, stderr = stop_after_some_steps(workspace, number.name, number)
    stopped_at = max(map(int, (path.stem[-6:] for path in (workspace / "runs" / number.name).rglob("*.pt"))))
    if number == signal.SIGKILL:
        assert stopped_at % SMALL["save_every"] == 0
    else:
        assert code == 130
        assert f"stopped after iteration {stopped_at}; continue with --resume" in stderr
        assert "Traceback" not in stderr
    assert stopped_at < SMALL["iterations"]
    # The environment does not change the settings of the run.
    resume, other_seed = command("--run-name", number.name, "--resume"), {"SKELGAIT_TRAIN__SEED": "9"}
    subprocess.run(resume, cwd=workspace, env=environment() | other_seed, check=True, timeout=120)
    assert_same_runs(workspace, "whole", number.name)


@pytest.fixture(scope="module")
def two_processes(workspace: Path) -> str:
    """Name of an uninterrupted run of two processes."""
    subprocess.run(command("--run-name", "two", "--nproc", 2), cwd=workspace, env=environment(), check=True)
    return "two"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_resume_of_two_processes_after_signal_is_bit_identical(
    workspace: Path, two_processes: str, number: signal.Signals
) -> None:
    name = f"two-{number.name}"
    code, stderr = stop_after_some_steps(workspace, name, number, "--nproc", 2)
    assert code == 130
    assert stderr.count("continue with --resume") == 1
    assert "Traceback" not in stderr
    # The number of processes is that of the run.
    resume = command("--run-name", name, "--resume", "--keep-last", 3)
    subprocess.run(resume, cwd=workspace, env=environment(), check=True, timeout=120)
    assert_same_runs(workspace, two_processes, name)
    facts = json.loads((workspace / "runs" / name / "run.json").read_text())
    assert facts["processes"] == 2
    assert [(change["key"], change["new"]) for change in facts["changes"]] == [("train.keep_last", 3)]


def test_resume_after_full_disk_is_bit_identical(workspace: Path) -> None:
    run(workspace, "full", iterations=10)
    with full_disk(20_000), pytest.raises(DataError, match=r"checkpoint-000015\.pt: found File too large"):
        run(workspace, "full", resume=True, num_workers=0)  # the shared memory of workers counts as files
    names = sorted(path.name for path in (workspace / "runs" / "full" / "checkpoints").iterdir())
    assert names == ["checkpoint-000005.pt", "checkpoint-000010.pt"]
    run(workspace, "full", resume=True)
    assert_same_runs(workspace, "whole", "full")


def test_training_stops_without_space_for_the_next_checkpoint(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30, 0))
        message = r"no-room: found 0 MB free .*, expected 1 MB for the next checkpoint; free some space.*--resume"
        with pytest.raises(DataError, match=message):
            run(workspace, "no-room")
        assert not (workspace / "runs" / "no-room").exists()
        free = iter([2**30, 0])
        patch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30, next(free)))
        with pytest.raises(DataError, match=message):
            run(workspace, "no-room")
    run(workspace, "no-room", resume=True)
    assert_same_runs(workspace, "whole", "no-room")


def test_resume_skips_damaged_checkpoint(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    report = run(workspace, "damaged", iterations=10)
    report.checkpoint.write_bytes(report.checkpoint.read_bytes()[:5000])
    run(workspace, "damaged", resume=True)
    assert "checkpoint-000010.pt: found a truncated file" in caplog.text
    assert "the previous one is used" in caplog.text
    assert_same_runs(workspace, "whole", "damaged")


def test_requested_damaged_checkpoint_is_refused(workspace: Path) -> None:
    report = run(workspace, "requested", iterations=10)
    report.checkpoint.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"checkpoint-000010\.pt: found an empty file"):
        run(workspace, "requested", resume=True, iteration=10)
    (workspace / "runs" / "requested" / "checkpoints" / "checkpoint-000005.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"checkpoint-000010\.pt: found an empty file"):
        run(workspace, "requested", resume=True)


def test_last_checkpoints_are_kept(workspace: Path) -> None:
    run(workspace, "kept", keep_last=2)
    names = sorted(path.name for path in (workspace / "runs" / "kept" / "checkpoints").iterdir())
    assert names == ["checkpoint-000020.pt", "checkpoint-000024.pt"]


def test_resume_after_unreadable_sequence_is_bit_identical(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "maps", tmp_path / "maps")
    (tmp_path / "runs").symlink_to(workspace / "runs")
    run(tmp_path, "bad", iterations=7)
    bad = tmp_path / "maps" / "002" / "n" / "1" / "1.pkl"
    content = bad.read_bytes()
    bad.write_bytes(content[:1000])
    with pytest.raises(DataError, match=r"002/n/1/1\.pkl: found pickle data was truncated"):
        run(tmp_path, "bad", resume=True)
    bad.write_bytes(content)
    run(tmp_path, "bad", resume=True)
    assert_same_runs(workspace, "whole", "bad")


def test_resume_repeats_interrupted_evaluation(workspace: Path) -> None:
    settings = TrainSettings.model_validate({**SMALL, "iterations": 10})
    folder = workspace / "runs" / "evaluated"
    evaluated: list[str] = []

    def interrupted(*_: object) -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(maps(workspace), IDENTITIES, folder, settings, CPU, evaluate=interrupted)
    resume = settings.model_copy(update={"resume": True})
    train(maps(workspace), IDENTITIES, folder, resume, CPU, evaluate=lambda *_: evaluated.append("") or {"tables": []})
    assert [json.loads(line)["iteration"] for line in (folder / "tests.jsonl").read_text().splitlines()] == [5, 10]
    assert len(evaluated) == 2
