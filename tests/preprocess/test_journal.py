"""Report of `skelgait poses` after a kill: the same as that of an undisturbed run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skelgait.cli import app
from skelgait.preprocess.pose_report import JOURNAL_FILE
from skelgait.storage import Key
from tests.commands import cli_runner
from tests.paths import ROOT
from tests.raw.poses import dataset_builders as datasets

KEYS = tuple(Key(f"{number:05d}", "00", "000") for number in range(1, 5))
# Kill the command just before, or just after, the file of a sequence is replaced.
SCRIPT = """
import os, signal, sys
from pathlib import Path
from skelgait.cli import main

after, name, replace = sys.argv.pop(1) == "after", sys.argv.pop(1), Path.replace

def killed(self, target):
    is_last = name in Path(target).parts
    if after or not is_last:
        replace(self, target)
    if is_last:
        os.kill(os.getpid(), signal.SIGKILL)

Path.replace = killed
main()
"""
JOURNAL = Path("poses", JOURNAL_FILE)
FLAGS = ("--workers", "1")


def run(*args: object) -> str:
    result = cli_runner().invoke(app, [*map(str, args)])
    assert result.exit_code == 0, result.stderr
    return result.stderr


def write_raw(frames: int) -> None:
    shutil.rmtree("raw", ignore_errors=True)
    datasets.oumvlp(Path("raw"), datasets.make_walks(*KEYS, frames=frames))


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("poses").rglob("*") if path.is_file()}


def kill(moment: str, name: str, *flags: str) -> None:
    command = [sys.executable, "-c", SCRIPT, moment, name, "poses", "raw", *FLAGS, *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.fixture
def storage() -> tuple[str, ...]:
    return ()


@pytest.fixture
def expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: tuple[str, ...]) -> dict[str, bytes]:
    """Write a raw dataset; return the files of an undisturbed run, which is removed."""
    monkeypatch.chdir(tmp_path)
    write_raw(frames=6)
    run("poses", "raw", *FLAGS, *storage)
    written = files()
    Path("poses").rename("elsewhere")
    return written


@pytest.mark.parametrize("storage", [(), ("--storage", "hdf5")], ids=["pkl", "hdf5"])
def test_report_after_kills_is_that_of_an_undisturbed_run(expected: dict[str, bytes], storage: tuple[str, ...]) -> None:
    second, last = ("shard-00001.h5", "shard-00003.h5") if storage else (KEYS[1].identity, KEYS[3].identity)
    kill("after", second, *storage)
    kill("before", last, *storage)
    assert JOURNAL.is_file()
    assert not Path("poses", "report.csv").exists()
    assert "none found" in cli_runner().invoke(app, ["inspect", "poses", "--verify"]).stdout
    JOURNAL.write_bytes(JOURNAL.read_bytes() + b'{"key": ["00004"')  # as a full disk leaves it
    run("poses", "raw", *FLAGS, *storage)
    assert files() == expected


def test_report_after_a_killed_overwrite_and_a_changed_source_is_new(expected: dict[str, bytes]) -> None:
    write_raw(frames=5)
    run("poses", "raw", *FLAGS)
    older = files()
    assert older != expected
    write_raw(frames=6)
    kill("after", KEYS[1].identity)
    run("poses", "raw", *FLAGS)
    assert files()["poses/report.csv"] == expected["poses/report.csv"]
    kill("after", KEYS[2].identity, "--overwrite")
    run("poses", "raw", *FLAGS)
    assert files()["poses/report.csv"] == expected["poses/report.csv"]


def test_tree_without_report_is_not_made_again(expected: dict[str, bytes]) -> None:
    Path("elsewhere").rename("poses")
    Path("poses", "report.csv").unlink()
    run("poses", "raw", *FLAGS)
    assert Path("poses", "report.csv").read_text().splitlines()[1] == "00001,00,000,written" + "," * 10
    assert files().keys() == expected.keys()


INCOMPLETE = b'{"key": ["00001", "00", "000"], "counts": {"frames": 1}, "details": {}}'


@pytest.mark.parametrize("line", [b"[1]", b'{"key": "a"}', INCOMPLETE, b"\xff"])
def test_damaged_lines_are_skipped_and_a_linked_journal_is_replaced(expected: dict[str, bytes], line: bytes) -> None:
    Path("elsewhere").rename("poses")
    JOURNAL.write_bytes(line)
    run("poses", "raw", *FLAGS)
    assert files() == expected
    Path("target").write_bytes(line)
    JOURNAL.symlink_to(Path("target").absolute())
    run("poses", "raw", *FLAGS, "--overwrite")
    assert files() == expected
    assert Path("target").read_bytes() == line


def test_warning_counts_the_sequences_of_the_killed_run(expected: dict[str, bytes]) -> None:
    counts = {"frames": 100, "without_walker": 0, "no_person": 0, "jumps": 50}
    line = {"key": KEYS[0], "counts": counts, "details": {"choice": "track", "certainty": 0.5}}
    Path("elsewhere").rename("poses")
    JOURNAL.write_text(json.dumps(line))
    stderr = run("poses", "raw", *FLAGS)
    assert "found 1 sequences with two people of similar prominence" in stderr
    assert "found 1 sequences with more than 1 % of steps that jump" in stderr
    assert "0.500" in Path("poses", "report.csv").read_text().splitlines()[1]
