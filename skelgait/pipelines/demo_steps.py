"""Steps of a demo, and the folder that they write to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from skelgait.errors import DataError
from skelgait.settings.schema import DemoSettings
from skelgait.storage.atomic import write_error, write_text
from skelgait.storage.lock_file import FOLDER_LOCK

DEMO_FOLDERS = ("poses", "silhouettes", "maps", "pairs", "runs")
"""Folders that a demo writes, and that the next demo in the same place removes."""

STATE_FILE = "demo.json"


class DemoSteps:
    """Steps of a demo. Finished ones are recorded in `demo.json`, which also marks the folder as that of a demo.

    Args:
        config: output folder, seed and size. Without `resume`, an earlier demo in the folder is removed.
        total: number of steps.
        announce: called with the number and name of each step.
    """

    def __init__(self, config: DemoSettings, total: int, announce: Callable[[str], None] | None) -> None:
        self._path = config.out / STATE_FILE
        self._demo: dict[str, object] = {"seed": config.seed, "quick": config.quick}
        if config.video is not None:
            self._demo["video"] = str(config.video.resolve())
        self._total = total
        self._announce = announce
        self._number = 0
        self._finished = self._read() if config.resume else []
        if not config.resume:
            self._clear(config.out)

    def run(self, name: str, step: Callable[[], None]) -> None:
        """Run a step, unless it is finished."""
        if name in self._finished:
            self.announce(f"{name} (finished earlier)")
            return
        self.announce(name)
        step()
        self._finished.append(name)
        self._write()

    def announce(self, name: str) -> None:
        """Announce the next step."""
        self._number += 1
        if self._announce is not None:
            self._announce(f"[{self._number}/{self._total}] {name}")

    def _clear(self, out: Path) -> None:
        if out.is_dir() and any(path.name != FOLDER_LOCK for path in out.iterdir()) and not self._path.is_file():
            hint = "choose another folder with --out"
            raise DataError(out, "other files", "an empty folder, or an earlier demo", hint)
        self._write()
        for name in DEMO_FOLDERS:
            _remove_folder(out / name)

    def _read(self) -> list[str]:
        hint = "run it without --resume"
        try:
            demo = json.loads(self._path.read_text(encoding="utf-8"))
            finished = list(demo.pop("finished"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(self._path, "no demo to resume", "an interrupted demo", hint) from error
        if demo != self._demo:
            raise DataError(self._path, f"a demo with {demo}", f"a demo with {self._demo}", hint)
        return finished

    def _write(self) -> None:
        write_text(self._path, json.dumps({**self._demo, "finished": self._finished}) + "\n")


def _remove_folder(path: Path) -> None:
    """Remove a folder and its content; of a link, the link."""
    try:
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
    except OSError as error:
        raise write_error(path, error) from error
