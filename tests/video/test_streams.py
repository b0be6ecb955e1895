"""Cameras and streams, from an HTTP server on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.errors import DataError
from skelgait.video import registry
from skelgait.video.estimator import Person
from skelgait.video.index import read_index
from skelgait.video.quiet import quiet_stderr
from skelgait.video.reading import Frame, read_ahead
from skelgait.video.sources import VideoSource, find_videos
from tests.commands import cli_runner
from tests.video.painted import PaintedEstimator, walks, write_video


@pytest.fixture(autouse=True)
def _painted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
    monkeypatch.chdir(tmp_path)


def run(*args: object) -> dict[str, Any]:
    result = cli_runner().invoke(app, ["video", *map(str, args), "--estimator", "painted", "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_video_file_at_an_address_is_read_whole(tmp_path: Path, address: str) -> None:
    write_video(tmp_path / "walk.mp4", walks(20, 1))
    report = run(f"http://{address}/walk.mp4")
    assert report["frames"] == 20
    assert report["warnings"] == []
    (entry,) = read_index(Path("poses")).values()
    assert entry["fps"] == 30


def test_a_live_stream_is_read_until_it_ends_and_its_password_is_not_kept(address: str) -> None:
    report = run(f"http://anna:secret@{address}/camera")
    (sequence,) = report["sequences"]
    assert sequence["sequence"].startswith("127.0.0.1/")
    assert 15 < sequence["quality"]["frames"] <= 100
    assert len(sequence["times_s"]) == sequence["quality"]["frames"]
    assert (np.diff(sequence["times_s"]) >= 0).all()
    (entry,) = read_index(Path("poses")).values()
    assert entry["fps"] == pytest.approx((entry["frames"] - 1) / sequence["last_s"], rel=0.2)
    content = (Path("poses") / "video.json").read_text()
    assert f"http://{address}/camera" in content
    assert "secret" not in content + json.dumps(report)


def test_ctrl_c_ends_a_live_stream_and_keeps_what_was_seen(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(PaintedEstimator):
        def __init__(self) -> None:
            self.frames = 0

        def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
            self.frames += 1
            if self.frames == 10:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(image, time_s)

    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: Interrupted)
    report = run(f"http://{address}/camera")
    assert report["sequences"][0]["quality"]["frames"] == 10


def test_a_slow_estimator_skips_frames_of_a_live_stream_and_says_so(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(PaintedEstimator):
        def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
            time.sleep(0.03)
            return super().__call__(image, time_s)

    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: Slow)
    report = run(f"http://{address}/camera")
    (warning,) = (warning for warning in report["warnings"] if "too fast" in warning)
    assert re.search(r"camera: read \d+ of \d+ frames, the others came too fast; record it to a file", warning)


class _Camera:
    """Stand-in for OpenCV's reader of camera 0, with ten frames."""

    def __init__(self, number: object) -> None:
        assert number == 0
        self._frames = iter(walks(10, 1))

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def get(self, _: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(0.01)
        frame = next(self._frames, None)
        return frame is not None, None if frame is None else frame[..., ::-1].copy()

    def release(self) -> None:
        pass


def test_a_camera_is_named_after_its_number_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", _Camera)
    (sequence,) = run("0")["sequences"]
    assert re.fullmatch(r"camera0/\d{8}-\d{6}/00-p1", sequence["sequence"])
    assert 0.05 < sequence["last_s"] < 5


def test_a_stream_that_cannot_be_opened_is_named_without_its_password() -> None:
    result = cli_runner().invoke(app, ["video", "http://anna:secret@127.0.0.1:1/camera", "--estimator", "painted"])
    assert result.exit_code == 1
    output = " ".join((result.stdout + result.stderr).split())
    assert "http://127.0.0.1:1/camera: found no camera or stream" in output
    assert "secret" not in output


def test_a_second_stream_is_refused() -> None:
    with pytest.raises(DataError, match="1: found a second camera or stream, expected at most one"):
        find_videos(["0", "1"])


def test_names_of_streams_hide_only_the_password() -> None:
    assert VideoSource("rtsp://anna:a@b@host:554/x?y=1", "stream").name == "rtsp://host:554/x?y=1"
    assert VideoSource("a@b.mp4", "file").name == "a@b.mp4"


def test_waiting_for_a_frame_ends_when_a_stop_is_requested() -> None:
    released = threading.Event()

    def stalled() -> Iterator[Frame]:
        yield Frame(0, 0.0, np.zeros((1, 1, 3), np.uint8))
        released.wait(20)

    start = time.monotonic()
    frames = read_ahead(stalled(), lambda: time.monotonic() - start > 0.3)
    assert [frame.index for frame in frames] == [0]
    released.set()
    assert time.monotonic() - start < 10


def test_log_lines_of_libraries_are_hidden_and_other_text_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    lines = (
        "W0000 00:00:1796038978.922886   18535 landmark_projection_calculator.cc:81] Using NORM_RECT\n",
        "WARNING: [model_load.cc:402] Sparsity tensors may not yet be fully supported.\n",
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n",
        "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0c2] moov atom not found\n",
        "[ WARN:0@0.021] global cap_v4l.cpp:914 open can't open camera by index\n",
    )
    ours = "Warning: anna.mp4: found 2 frames\n12:00:00 WARNING camera0: back\nE0000 00:00:1.5   7 a.cc:1] failed\n"
    with quiet_stderr():
        os.write(2, "".join((lines[0], ours, *lines[1:], "bar 50 %", lines[0])).encode())
    os.write(2, b"end")
    assert capfd.readouterr().err == f"{ours}bar 50 %end"
