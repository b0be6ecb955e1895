"""Locks of files and folders: one writer at a time, also after kills and with links in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from skelgait.errors import DataError
from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_file, lock_folder, wait_for_locks
from skelgait.storage.lock_file import FOLDER_LOCK, LockFile
from tests.locked import locked
from tests.paths import ROOT

Lock = Callable[[Path], AbstractContextManager[None]]

COUNT = """
import sys
from pathlib import Path
from skelgait.storage.lock import lock_file, wait_for_locks
path = Path(sys.argv[1])
with wait_for_locks(True):
    for _ in range(20):
        with lock_file(path):
            path.write_text(str(int(path.read_text()) + 1))
"""
HOLD = """
import sys, time
from pathlib import Path
from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_file, lock_folder
target = Path(sys.argv[2])
with {"file": lock_file, "folder": lock_folder}[sys.argv[1]](target):
    with atomic_write(target / "inner" / "a.pkl" if sys.argv[1] == "folder" else target):
        print("locked", flush=True)
        time.sleep(60)
"""


def start(script: str, *args: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture(params=["file", "folder"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def lock_of(kind: str) -> Lock:
    return {"file": lock_file, "folder": lock_folder}[kind]


def target_of(kind: str, folder: Path) -> Path:
    return folder / ("out.h5" if kind == "file" else "out")


def partials(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.partial"))


def test_processes_that_wait_write_one_after_another(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    counter.write_text("0")
    processes = [start(COUNT, counter) for _ in range(4)]
    assert [(process.communicate(timeout=60), process.returncode)[1] for process in processes] == [0] * 4
    assert counter.read_text() == "80"
    assert list(tmp_path.iterdir()) == [counter]


def test_second_writer_is_told_the_first_one_until_that_is_killed(kind: str, tmp_path: Path) -> None:
    target = target_of(kind, tmp_path)
    with start(HOLD, kind, target) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        assert len(partials(tmp_path)) == 1
        hint = "pass --wait to wait until it has ended, or choose another path"
        with pytest.raises(DataError, match=rf"process {process.pid} on .*, since 20.*{hint}"), lock_of(kind)(target):
            pass
        assert len(partials(tmp_path)) == 1
        process.send_signal(signal.SIGKILL)
    with lock_of(kind)(target):
        assert partials(tmp_path) == []
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".lock")]


def test_waiting_writer_continues_when_the_first_one_has_ended(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = target_of(kind, tmp_path)
    if kind == "folder":
        target.mkdir()
    other = locked(target)
    other.__enter__()
    monkeypatch.setattr("skelgait.storage.lock.time.sleep", lambda _: other.__exit__(None, None, None))
    with wait_for_locks(True), lock_of(kind)(target):
        pass
    assert f"{target}: waiting for `" in caplog.text


def test_lock_in_the_same_lock_does_not_wait_for_itself(kind: str, tmp_path: Path) -> None:
    target, lock = target_of(kind, tmp_path), lock_of(kind)
    with lock(target), lock(target):
        pass
    with lock(target):
        pass


def test_forked_process_does_not_hold_the_lock_of_its_parent(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with lock_file(tmp_path / "a"):
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    with lock_file(tmp_path / "a"):
        pass
    os.close(reading)
    os.close(writing)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_link_at_the_path_of_a_lock_is_refused(link: Callable[[Path, Path], None], tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("content")
    (tmp_path / "out").mkdir()
    link(victim, tmp_path / "out" / FOLDER_LOCK)
    with pytest.raises(DataError, match="expected a lock file of skelgait, or nothing; remove it"):
        lock_folder(tmp_path / "out").__enter__()
    assert victim.read_text() == "content"


def test_damaged_lock_file_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / FOLDER_LOCK).write_text("[" * 5000)
    with lock_folder(tmp_path):
        assert LockFile(tmp_path / FOLDER_LOCK).acquire() is None
    assert list(tmp_path.iterdir()) == []


def test_only_temporary_files_without_a_writer_are_removed(tmp_path: Path) -> None:
    (tmp_path / FOLDER_LOCK).write_text("the last writer was killed")
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    orphan, live, linked = (f".{name}.h5.0123456789abcdef.partial" for name in "abc")
    for path in (tmp_path / orphan, tmp_path / live, tmp_path / ".a.h5.partial", elsewhere / linked):
        path.touch()
    (tmp_path / "run" / "report").mkdir(parents=True)
    (tmp_path / "run" / "report" / orphan).touch()
    (tmp_path / "link").symlink_to(elsewhere)
    with locked(tmp_path / "b.h5"), locked(tmp_path / "run" / "report"), lock_folder(tmp_path):
        assert partials(tmp_path) == [".a.h5.0123456789abcdef.partial", ".a.h5.partial", live]
    assert partials(elsewhere) == [linked]


def test_reader_needs_no_lock_and_writer_of_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"/proc/out: found .*, expected a file that can be written"):
        lock_folder(Path("/proc/out")).__enter__()


def test_long_names_are_locked_and_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)
    with lock_file(path), atomic_write(path) as partial:
        partial.write_text("content")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
