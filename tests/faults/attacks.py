"""Attacks on one command: each returns why the command did not survive it, or an empty text."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.children import Child, Ended, run
from tests.faults.commands import Command

NOBODY = 65534


class Target:
    """Command in a workspace, with its undisturbed output.

    Args:
        folder: working folder.
        command: the command.
    """

    def __init__(self, folder: Path, command: Command) -> None:
        self.folder, self.command, self.out = folder, command, folder / command.out
        self.clear()
        ended = run(folder, *command.args)
        assert ended.code == 0, ended.stderr
        self.expected: Any = command.content(self.out)
        self.seconds = ended.seconds
        self.is_folder = self.out.is_dir()
        sizes = [path.stat().st_blocks for path in (self.out, *self.out.rglob("*")) if not path.is_symlink()]
        self.size_kb = sum(sizes) // 2

    def clear(self) -> None:
        """Remove the output, and what hides beside it."""
        for path in (self.out, *self.hidden()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def hidden(self) -> list[Path]:
        """Return lock files and temporary files in the output and beside it."""
        places = [*self.out.rglob("*"), *self.out.parent.glob(".*")]
        return [path for path in places if path.name.endswith((".partial", "skelgait.lock"))]

    def again(self) -> Ended:
        """Run the command once more; a training or a demo is resumed if it can be."""
        can_resume = {"train": list(self.out.rglob("*.pt")), "demo": (self.out / "demo.json").is_file()}
        resume = ("--resume",) if can_resume.get(str(self.command.args[0])) else ()
        return run(self.folder, *self.command.args, *resume)

    def problem_after(self, *endings: Ended) -> str:
        """Run the command again; return a traceback of before, a failure of this run, or a difference."""
        for ended in endings:
            if "Traceback" in ended.stderr:
                return f"traceback: {ended.stderr[-500:]}"
        ended = self.again()
        return f"next run: {ended.stderr[-500:]}" if ended.code else self.difference()

    def difference(self) -> str:
        """Return how the output differs from the undisturbed one."""
        try:
            content = self.command.content(self.out)
        except Exception as error:
            return f"damaged: {error!r}"
        if content != self.expected:
            return f"other content: {_first_difference(self.expected, content)}"
        return f"left over: {self.hidden()}" if self.hidden() else ""


def _first_difference(expected: Any, content: Any) -> str:
    if isinstance(expected, dict) and isinstance(content, dict):
        names = [name for name in {**expected, **content} if expected.get(name) != content.get(name)]
        return f"{names[0]}: {content.get(names[0])!r:.150} instead of {expected.get(names[0])!r:.150}"
    return f"{content!r:.150}"


def killed(target: Target, rng: random.Random) -> str:
    """Kill the command at a random time, then run it again."""
    target.clear()
    child = Child(target.folder, *target.command.args)
    time.sleep(rng.uniform(0, target.seconds))
    child.kill()
    return target.problem_after(child.wait())


def two_at_once(target: Target, rng: random.Random) -> str:
    """Start the command twice; each must succeed or be refused, and the output must be whole."""
    target.clear()
    first = Child(target.folder, *target.command.args)
    time.sleep(rng.uniform(0, target.seconds / 2))
    second = Child(target.folder, *target.command.args)
    endings = [first.wait(), second.wait()]
    refused = [ended for ended in endings if ended.code]
    if len(refused) == 2 or any("writing here" not in e.stderr and "earlier training" not in e.stderr for e in refused):
        return " | ".join(ended.stderr[-300:] for ended in refused)
    return target.difference()


def one_waits(target: Target, rng: random.Random) -> str:
    """Start the command twice with `--wait`; both must succeed, but a second training is refused."""
    target.clear()
    children = [Child(target.folder, *target.command.args, "--wait") for _ in range(2)]
    endings = [child.wait() for child in children]
    refused = [ended for ended in endings if ended.code]
    if target.command.args[0] == "train" and len(refused) == 1 and "earlier training" in refused[0].stderr:
        refused = []
    return refused[0].stderr[-300:] if refused else target.difference()


def full_disk(target: Target, rng: random.Random) -> str:
    """Limit the size of files, as a full disk does, then run the command again."""
    target.clear()
    limit = int(10 ** rng.uniform(0, 4.5))
    return target.problem_after(run(target.folder, *target.command.args, prepare=_limit(limit)))


def _limit(size: int) -> Callable[[], None]:
    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return prepare


def can_mount() -> bool:
    """Return True if this user may mount a file system in memory."""
    if sys.platform != "linux" or os.getuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as name:
        is_mounted = _mount(Path(name), 16)
        if is_mounted:
            _unmount(Path(name))
    return is_mounted


def small_file_system(target: Target, rng: random.Random) -> str:
    """Let the command fill a file system, free space, then run the command again."""
    target.clear()
    place = target.out if target.is_folder else target.out.parent
    place.mkdir(parents=True, exist_ok=True)
    size_kb = int(target.size_kb * rng.uniform(0, 0.8))
    if not _mount(place, size_kb):
        return "cannot mount"
    try:
        ended = run(target.folder, *target.command.args)
        _mount(place, 2**16, "remount,")
        if ended.code and not any(reason in ended.stderr for reason in ("No space left", "free on the disk")):
            return f"{size_kb} kB: {ended.stderr[-500:]}"
        return target.problem_after(ended)
    finally:
        _unmount(place)


def _mount(place: Path, size_kb: int, options: str = "") -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"{options}size={max(size_kb, 8)}k", "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def read_only(target: Target, rng: random.Random) -> str:
    """Run the command where it may not write: one line, and nothing is changed."""
    target.clear()
    ended = run(target.folder, *target.command.args, prepare=_without_rights)
    if ended.code == 0 or "Permission denied" not in ended.stderr:
        return f"exit code {ended.code}: {ended.stderr[-300:]}"
    return target.problem_after(ended)


def _without_rights() -> None:
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def clock_set_back(target: Target, rng: random.Random) -> str:
    """Date the output into the future, as after setting the clock back; the next run must give the same."""
    target.clear()
    first = run(target.folder, *target.command.args)
    future = time.time() + 86400
    for path in [target.out, *target.out.rglob("*")]:
        if not path.is_symlink():
            os.utime(path, (future, future))
    if target.command.args[0] == "train":
        return target.difference()
    return target.problem_after(first)


def source_gone(target: Target, rng: random.Random) -> str:
    """Take the inputs away in the middle, put them back, and run the command again."""
    target.clear()
    names = [name for name in ("poses", "maps", "silhouettes", "raw", "images") if (target.folder / name).is_dir()]
    child = Child(target.folder, *target.command.args)
    time.sleep(rng.uniform(0, target.seconds))
    for name in names:
        (target.folder / name).rename(target.folder / f"{name}.away")
    ended = child.wait()
    for name in names:
        (target.folder / f"{name}.away").rename(target.folder / name)
    return target.problem_after(ended)
