"""Videos that are put into a folder."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from skelgait.errors import DataError
from skelgait.video import arrivals
from skelgait.video.arrivals import finished_videos

SETTLED_S = 0.15


@pytest.fixture(autouse=True)
def _poll_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_POLL_S", 0.02)


def videos(root: Path, seconds: float = 10) -> Iterator[str]:
    end = time.monotonic() + seconds
    for path in finished_videos(root, lambda: time.monotonic() > end, SETTLED_S):
        yield path.relative_to(root).as_posix()


def test_existing_videos_come_first_then_new_ones_and_changed_ones_again(tmp_path: Path) -> None:
    for name in ("b/two.MOV", "one.mp4", "notes.txt", ".hidden.mp4", "one.mp4.part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = videos(tmp_path)
    assert {next(found), next(found)} == {"one.mp4", "b/two.MOV"}
    (tmp_path / "three.avi").write_bytes(b"x")
    assert next(found) == "three.avi"
    (tmp_path / "one.mp4").write_bytes(b"xyz")
    assert next(found) == "one.mp4"
    (tmp_path / "one.mp4").unlink()
    (tmp_path / "four.mkv").write_bytes(b"x")
    assert next(found) == "four.mkv"


def test_growing_video_is_not_finished(tmp_path: Path) -> None:
    path, ended = tmp_path / "one.mp4", 0.0

    def grow() -> None:
        nonlocal ended
        with path.open("wb", buffering=0) as file:
            for _ in range(20):
                file.write(b"x")
                time.sleep(0.02)
        ended = time.monotonic()

    thread = threading.Thread(target=grow)
    thread.start()
    assert next(videos(tmp_path)) == "one.mp4"
    assert ended > 0
    assert time.monotonic() - ended >= 0.05
    thread.join()
    assert path.stat().st_size == 20


def test_folder_that_is_gone_is_a_warning_and_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    root.mkdir()
    (root / "one.mp4").write_bytes(b"x")
    found = videos(root)
    assert next(found) == "one.mp4"
    shutil.move(root, elsewhere)

    def bring_back() -> None:
        time.sleep(0.2)
        (elsewhere / "two.mp4").write_bytes(b"x")
        shutil.move(elsewhere, root)

    thread = threading.Thread(target=bring_back)
    thread.start()
    assert next(found) == "two.mp4"
    thread.join()
    (warning,) = caplog.messages
    assert "in: found No such file or directory, expected a folder that can be read" in warning
    assert warning.endswith("; it is read again until Ctrl-C")


def test_folder_that_is_missing_at_first_is_an_error_and_a_stop_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        next(videos(tmp_path / "none"))
    assert list(videos(tmp_path, 0.1)) == []
