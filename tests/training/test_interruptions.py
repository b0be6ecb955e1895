"""Training that is stopped, by real signals to real processes among others, and goes on bit for bit."""

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
PEOPLE = ["000", "001", "002", "003"]
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
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": PEOPLE, "TEST_SET": ["004"]}))
    (folder / "skelgait.yaml").write_text(json.dumps({"partition": "partition.json", "train": SMALL}))
    run(folder, "whole")
    return folder


def maps(workspace: Path) -> SequenceSource:
    return open_source(workspace / "maps", "map")


def run(workspace: Path, name: str, **more: object) -> TrainReport:
    """Train in this process."""
    settings = TrainSettings.model_validate({**SMALL, **more})
    return train(maps(workspace), PEOPLE, workspace / "runs" / name, settings, CPU)


def command(*flags: object) -> list[str]:
    return [sys.executable, "-m", "skelgait", "train", *map(str, flags)]


def environment() -> dict[str, str]:
    # As many threads as the whole run has: another number adds up in another order.
    threads = str(torch.get_num_threads())
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"}


def losses(run: Path) -> list[tuple[int, float, float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(line["iteration"], line["triplet/loss"], line["cross_entropy/loss"]) for line in lines]


def check_same(workspace: Path, one: str, other: str) -> None:
    """Losses of every step, weights, and the optimizer's state, bit for bit."""
    first, second = (workspace / "runs" / name for name in (one, other))
    assert losses(first) == losses(second)
    wanted, found = (load_checkpoint(run / "checkpoints" / "checkpoint-000024.pt") for run in (first, second))
    assert all(torch.equal(wanted.weights[name], found.weights[name]) for name in wanted.weights)
    momentum = [
        [state["momentum_buffer"] for state in checkpoint.training["optimizer"]["state"].values()]
        for checkpoint in (wanted, found)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*momentum, strict=True))


def stop_after_some_steps(workspace: Path, name: str, number: signal.Signals, *flags: object) -> tuple[int, str]:
    """Train in a process of its own until it has taken 7 steps, then send a signal; exit code, and what it said."""
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
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_signals(workspace: Path, number: signal.Signals) -> None:
    code, said = stop_after_some_steps(workspace, number.name, number)
    stopped_at = max(map(int, (path.stem[-6:] for path in (workspace / "runs" / number.name).rglob("*.pt"))))
    if number == signal.SIGKILL:
        assert stopped_at % SMALL["save_every"] == 0
    else:
        assert code == 130
        assert f"stopped after iteration {stopped_at}; go on with --resume" in said
        assert "Traceback" not in said
    assert stopped_at < SMALL["iterations"]
    run(workspace, number.name, resume=True)
    check_same(workspace, "whole", number.name)


@pytest.fixture(scope="module")
def several(workspace: Path) -> str:
    """A whole run of two processes."""
    subprocess.run(command("--run-name", "two", "--nproc", 2), cwd=workspace, env=environment(), check=True)
    return "two"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signals_to_several_processes(workspace: Path, several: str, number: signal.Signals) -> None:
    name = f"two-{number.name}"
    code, said = stop_after_some_steps(workspace, name, number, "--nproc", 2)
    assert code == 130
    assert said.count("go on with --resume") == 1
    assert "Traceback" not in said
    again = command("--run-name", name, "--resume", "--nproc", 2)
    subprocess.run(again, cwd=workspace, env=environment(), check=True, timeout=120)
    check_same(workspace, several, name)


def test_a_disk_that_is_full_while_saving(workspace: Path) -> None:
    run(workspace, "full", iterations=10)
    with full_disk(20_000), pytest.raises(DataError, match=r"checkpoint-000015\.pt: found File too large"):
        run(workspace, "full", resume=True, num_workers=0)  # whose shared memory counts as files
    names = sorted(path.name for path in (workspace / "runs" / "full" / "checkpoints").iterdir())
    assert names == ["checkpoint-000005.pt", "checkpoint-000010.pt"]
    run(workspace, "full", resume=True)
    check_same(workspace, "whole", "full")


def test_no_room_for_the_next_checkpoint(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30, 0))
        message = r"no-room: found 0 MB free on the disk, expected 1 MB for the next checkpoint; make room.*--resume"
        with pytest.raises(DataError, match=message):
            run(workspace, "no-room")
        assert not (workspace / "runs" / "no-room").exists()
        free = iter([2**30, 0])
        patch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30, next(free)))
        with pytest.raises(DataError, match=message):
            run(workspace, "no-room")
    run(workspace, "no-room", resume=True)
    check_same(workspace, "whole", "no-room")


def test_the_one_before_a_damaged_checkpoint_is_used(workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    report = run(workspace, "damaged", iterations=10)
    report.checkpoint.write_bytes(report.checkpoint.read_bytes()[:5000])
    run(workspace, "damaged", resume=True)
    assert "checkpoint-000010.pt: found a file that cannot be read" in caplog.text
    assert "the one before it is used" in caplog.text
    check_same(workspace, "whole", "damaged")


def test_a_damaged_checkpoint_that_is_asked_for_is_refused(workspace: Path) -> None:
    report = run(workspace, "asked", iterations=10)
    report.checkpoint.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"checkpoint-000010\.pt: found a file that cannot be read"):
        run(workspace, "asked", resume=True, iteration=10)
    (workspace / "runs" / "asked" / "checkpoints" / "checkpoint-000005.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"checkpoint-000010\.pt: found a file that cannot be read"):
        run(workspace, "asked", resume=True)


def test_the_last_ones_are_kept(workspace: Path) -> None:
    run(workspace, "kept", keep_last=2)
    names = sorted(path.name for path in (workspace / "runs" / "kept" / "checkpoints").iterdir())
    assert names == ["checkpoint-000020.pt", "checkpoint-000024.pt"]


def test_a_bad_sequence_is_named_and_nothing_is_lost(workspace: Path, tmp_path: Path) -> None:
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
    check_same(workspace, "whole", "bad")


def test_a_test_that_was_interrupted_is_made_up_for(workspace: Path) -> None:
    settings = TrainSettings.model_validate({**SMALL, "iterations": 10})
    where = workspace / "runs" / "tested"
    tested: list[str] = []

    def interrupted(*_: object) -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(maps(workspace), PEOPLE, where, settings, CPU, evaluate=interrupted)
    again = settings.model_copy(update={"resume": True})
    train(maps(workspace), PEOPLE, where, again, CPU, evaluate=lambda *_: tested.append("") or {"tables": []})
    assert [json.loads(line)["iteration"] for line in (where / "tests.jsonl").read_text().splitlines()] == [5, 10]
    assert len(tested) == 2
