"""Killed and stopped workers, ranks and launchers, through the command line: one line, and no process is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.synthetic_data import write_dataset, write_random_maps

TRAIN = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 4, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "iterations": 100000, "log_every": 1, "save_every": 1000, "num_workers": 1, "device": "cpu",
}  # fmt: skip
MEMORY = r"\(memory at most: this process [\d.]+ GB, its largest child [\d.]+ GB, [\d.]+ of [\d.]+ GB free now\)"
KILLED = rf"found killed by SIGKILL, as the system does when memory runs out {MEMORY}, expected a process that finishes"
STOPPED = r"\d\d:\d\d:\d\d WARNING stopped after iteration \d+; continue with --resume\n"

STARTED: list[subprocess.Popen[str]] = []

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    write_random_maps(folder / "maps")
    people = [f"{number:03d}" for number in range(4)]
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": people, "TEST_SET": ["004"]}))
    (folder / "skelgait.yaml").write_text(json.dumps({"partition": "partition.json", "train": TRAIN}))
    return folder


@pytest.fixture(autouse=True)
def _commands() -> Iterator[None]:
    """Kill the commands of a test that fails: a training would run on beside the other tests."""
    yield
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()


def start(folder: Path, *args: object, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "skelgait", *map(str, args)]
    STARTED.append(subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True))
    return STARTED[-1]


def wait_for(condition: object, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)


def start_training(folder: Path, name: str, *args: object, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a training and wait for its first steps."""
    process = start(folder, "train", "--run-name", name, *args, launcher=launcher)
    metrics = folder / "runs" / name / "metrics.jsonl"
    wait_for(lambda: metrics.is_file() and metrics.read_text().count("\n") > 3, process)
    return process


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def descendants(pid: int) -> list[int]:
    return [found for child in children(pid) for found in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def seconds_until_dead(pids: list[int]) -> float:
    start_time = time.monotonic()
    while any(map(is_alive, pids)) and time.monotonic() < start_time + 20:
        time.sleep(0.05)
    return time.monotonic() - start_time


def errors(stderr: str) -> str:
    """Return stderr without the lines of progress."""
    progress = re.compile(r"\S+ (Training|Drawing maps): ")
    return "".join(line for line in stderr.splitlines(keepends=True) if not progress.match(line))


@pytest.mark.slow
def test_killed_loader_is_one_line_and_the_training_can_be_resumed(workspace: Path) -> None:
    process = start_training(workspace, "loader")
    (worker,) = children(process.pid)
    os.kill(worker, signal.SIGKILL)
    stderr = process.communicate(timeout=120)[1]
    hint = "if memory was short, use smaller batches or fewer workers; continue a training with --resume"
    line = rf"Error: worker process that loads batches: {KILLED}; {hint}\n"
    assert re.fullmatch(STOPPED + line, errors(stderr)), stderr
    assert process.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_killed_rank_is_one_line(workspace: Path, rank: int) -> None:
    process = start_training(workspace, f"rank-{rank}", "--nproc", 2)
    everyone = descendants(process.pid)
    os.kill(sorted(children(process.pid))[rank], signal.SIGKILL)
    stderr = process.communicate(timeout=120)[1]
    hint = "if memory was short, use fewer processes or smaller batches; continue a training with --resume"
    assert re.fullmatch(rf"Error: process {rank} of 2: {KILLED}; {hint}\n", errors(stderr)), stderr
    assert seconds_until_dead(everyone) < 5


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["--nproc", "torchrun"])
def test_ranks_end_with_their_killed_launcher(workspace: Path, launcher: str) -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    flags, launcher_flags = (("--nproc", 2), ()) if launcher == "--nproc" else ((), torchrun)
    process = start_training(workspace, launcher.strip("-"), *flags, launcher=launcher_flags)
    everyone = descendants(process.pid)
    assert len(everyone) >= 4
    second = start(workspace, "train", "--run-name", launcher.strip("-"), "--resume")
    assert "no checkpoint" in second.communicate(timeout=120)[1]
    process.kill()
    assert seconds_until_dead(everyone) < 5
    stderr = process.communicate(timeout=120)[1]
    assert "Traceback" not in stderr
    assert "resource_tracker" not in stderr


@pytest.mark.parametrize("victim", ["worker", "command"])
def test_killed_process_of_heatmap_is_one_line_or_none(tmp_path: Path, victim: str) -> None:
    write_dataset(tmp_path, people=4, repeats=2, frames=60)
    process = start(tmp_path, "heatmap", "--workers", 2)
    wait_for(lambda: len(_workers(process.pid)) == 2, process)
    everyone = descendants(process.pid)
    os.kill(_workers(process.pid)[0] if victim == "worker" else process.pid, signal.SIGKILL)
    stderr = process.communicate(timeout=120)[1]
    assert seconds_until_dead(everyone) < 5
    killed = rf"Error: worker process: found killed {MEMORY}, expected .*; use fewer --workers .*\n"
    assert re.fullmatch(killed if victim == "worker" else "", stderr), stderr


def _workers(pid: int) -> list[int]:
    """Return the worker processes that have got their job, and import what it needs."""
    return [
        child for child in children(pid) if "spawn_main" in _read(child, "cmdline") and "numpy" in _read(child, "maps")
    ]


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(errors="replace")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C; return stderr once the command and all its processes are gone."""
    everyone, start_time = [process.pid, *descendants(process.pid)], time.monotonic()
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=120)[1]
    assert seconds_until_dead(everyone) + time.monotonic() - start_time < 10
    assert process.returncode == 130, stderr
    return stderr


@pytest.mark.slow
def test_stopped_worker_of_heatmap_does_not_delay_an_interrupt_and_loses_nothing(tmp_path: Path) -> None:
    write_dataset(tmp_path, people=4, repeats=2, frames=60)
    process = start(tmp_path, "heatmap", "--workers", 2, "--maps", "interrupted")
    wait_for(lambda: len(_workers(process.pid)) == 2, process)
    os.kill(_workers(process.pid)[0], signal.SIGSTOP)
    assert interrupt(process).endswith("Stopped.\n")
    assert not list((tmp_path / "interrupted").rglob("*.partial"))
    process = start(tmp_path, "heatmap", "--workers", 2, "--maps", "continued")
    wait_for(lambda: len(_workers(process.pid)) == 2, process)
    worker = _workers(process.pid)[0]
    os.kill(worker, signal.SIGSTOP)
    time.sleep(6)  # longer than workers have to end
    with suppress(ProcessLookupError):  # it was stopped before it had any work, and the command ended without it
        os.kill(worker, signal.SIGCONT)
    assert errors(process.communicate(timeout=120)[1]) == ""
    resumed = start(tmp_path, "heatmap", "--workers", 2, "--maps", "interrupted")
    assert errors(resumed.communicate(timeout=120)[1]) == ""
    assert process.returncode == resumed.returncode == 0
    assert files(tmp_path / "continued") == files(tmp_path / "interrupted")


@pytest.mark.slow
def test_stopped_loader_of_train_does_not_delay_an_interrupt(workspace: Path) -> None:
    process = start_training(workspace, "stopped-loader")
    (worker,) = children(process.pid)
    os.kill(worker, signal.SIGSTOP)
    time.sleep(1)  # the batches that it has read are used up
    stderr = errors(interrupt(process))
    assert re.fullmatch(rf"{STOPPED}Stopped.\n", stderr), stderr
    assert len(list((workspace / "runs" / "stopped-loader" / "checkpoints").glob("*.pt"))) == 1


@pytest.mark.slow
def test_continued_loader_of_train_goes_on(workspace: Path) -> None:
    process = start_training(workspace, "continued-loader")
    (worker,) = children(process.pid)
    metrics = workspace / "runs" / "continued-loader" / "metrics.jsonl"
    os.kill(worker, signal.SIGSTOP)
    time.sleep(6)
    lines = metrics.read_text().count("\n")
    os.kill(worker, signal.SIGCONT)
    wait_for(lambda: metrics.read_text().count("\n") > lines + 3, process)
    assert re.fullmatch(rf"{STOPPED}Stopped.\n", errors(interrupt(process)))
