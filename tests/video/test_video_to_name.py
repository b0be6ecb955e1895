"""Commands of the page "From video to a name", on painted videos."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from skelgait.cli import app
from skelgait.embeddings.gallery import open_gallery
from skelgait.video import registry
from tests.cli.embedded import TINY
from tests.commands import cli_runner
from tests.embeddings.networks import write_checkpoint
from tests.paths import GUIDE
from tests.video.painted import PaintedEstimator, walks, write_video

PAGE = (GUIDE / "video_to_name.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ skelgait (.*)$", PAGE, re.MULTILINE)
# They train a network, and read a camera until Ctrl-C.
NOT_RUN = ("demo ", "identify --watch ")


def test_commands_of_the_page_run_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.ESTIMATORS, "mediapipe", lambda *_: PaintedEstimator)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    videos = re.findall(r"^walks/.*\.mp4$", PAGE, re.MULTILINE)
    for n, path in enumerate([*videos, "new.mp4"]):
        write_video(Path(path), walks(18 + n, 1))
    for command in (command for command in COMMANDS if not command.startswith(NOT_RUN)):
        args = shlex.split(command.replace("~", str(tmp_path)))
        if "--checkpoint" in args:
            checkpoint = Path(args[args.index("--checkpoint") + 1])
            checkpoint.parent.mkdir(parents=True)
            write_checkpoint(checkpoint, TINY)
        result = cli_runner().invoke(app, args)
        assert result.exit_code == 0, (command, result.output)
        if command.startswith("identify"):
            (line,) = (line.split() for line in result.stdout.splitlines() if "new/00/00-p1" in line)
            assert line[4] in ("known", "unknown")
            assert line[5] in ("anna", "ben")
    assert len(videos) == 4
    assert [key.identity for key in open_gallery(Path("gallery.h5")).rows.keys] == ["anna", "anna"]
    assert Path("previews", "new_00_00-names.mp4").is_file()
    assert all(any(command.startswith(start) for command in COMMANDS) for start in NOT_RUN)
