"""`skelgait identify --watch` on painted videos and streams."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.video import arrivals, registry
from skelgait.video.estimator import Person
from tests.cli.embedded import TINY
from tests.commands import cli_runner
from tests.embeddings.networks import write_checkpoint
from tests.paths import ROOT
from tests.video.painted import SIZE, PaintedEstimator, paint, walks, write_video

FLAGS = ("--gallery", "g.h5", "--estimator", "painted", "--device", "cpu", "--set", "heatmap.force=true")
Stop = Callable[[dict[str, Any]], bool]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a gallery of one person, and the video that it is from."""
    folder = tmp_path_factory.mktemp("gallery")
    write_checkpoint(folder / "c.pt", TINY)
    write_video(folder / "anna.mp4", walks(20, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
        patch.chdir(folder)
        run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", str(folder / "c.pt"))
    return folder


@pytest.fixture(autouse=True)
def _workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gallery: Path) -> None:
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
    monkeypatch.setattr(arrivals, "_POLL_S", 0.02)
    monkeypatch.setattr("skelgait.pipelines.watch.watch.__defaults__", (0.05,))
    monkeypatch.chdir(tmp_path)
    for name in ("anna.mp4", "g.h5"):
        shutil.copy(gallery / name, tmp_path)


def run(*args: str, code: int = 0) -> tuple[str, str]:
    result = cli_runner().invoke(app, [*args, *FLAGS])
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def watch(monkeypatch: pytest.MonkeyPatch, is_last: Stop, *args: str) -> tuple[list[dict[str, Any]], str]:
    """Return the events up to Ctrl-C, which follows the event that `is_last` accepts, and stderr."""
    from skelgait.pipelines import watch as pipeline

    def interrupted(*given: Any) -> Any:
        is_stopped = False
        for event in original(*given):
            yield event
            if not is_stopped and is_last(event.to_dict()):
                is_stopped = True
                signal.raise_signal(signal.SIGINT)

    original = pipeline.watch
    monkeypatch.setattr(pipeline, "watch", interrupted)
    out, err = run("identify", "--watch", *args, "--json")
    monkeypatch.setattr(pipeline, "watch", original)
    return [json.loads(line) for line in out.splitlines()], err


def is_end_of(name: str) -> Stop:
    return lambda event: event["event"] == "video" and event["video"].endswith(name)


def test_videos_of_a_folder_are_named_and_a_damaged_one_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_video(tmp_path / "in" / "a.mp4", walks(130, 2))
    (tmp_path / "in" / "b.mp4").write_bytes(b"junk" * 100)
    write_video(tmp_path / "in" / "c" / "nobody.mp4", [paint({}, SIZE)] * 5)
    write_video(tmp_path / "in" / "d" / "short.mp4", walks(7, 1))
    events, err = watch(monkeypatch, is_end_of("short.mp4"), "in", "--threshold", "0.01", "--out", "m.csv")
    kinds = [event["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert events[0] == {"event": "start", "location": "in", "gallery": "g.h5", "n_people": 1, "threshold": 0.01}
    videos = {event["video"]: event for event in events if event["event"] == "video"}
    assert {name: (event["frames"], event["tracks"]) for name, event in videos.items()} == {
        "in/a.mp4": (130, 2), "in/b.mp4": (0, 0), "in/c/nobody.mp4": (5, 0), "in/d/short.mp4": (7, 1),
    }  # fmt: skip
    assert "in/b.mp4: found a file that OpenCV cannot read as a video" in videos["in/b.mp4"]["problem"]
    assert err.count("Warning") == 1
    assert "Warning: in/b.mp4: found a file that OpenCV cannot read as a video" in err
    # Provisional matches at two and four seconds, then the match.
    first = [event for event in events if event.get("probe") == "a/00/00-p1"]
    assert [(event["event"], event["last_s"]) for event in first] == [
        ("provisional", 2.0), ("provisional", 4.0), ("match", 4.3),
    ]  # fmt: skip
    assert [event["frames"] for event in first] == [61, 121, 130]
    # The match is that of `identify`.
    probes = json.loads(run("identify", "in/a.mp4", "--threshold", "0.01", "--json")[0])["probes"]
    final = {event["probe"]: event for event in events if event["event"] == "match"}
    for probe in probes:
        event = final[probe["probe"]]
        assert {name: event[name] for name in probe} == probe
    (short,) = [event for event in events if event.get("probe") == "d/short/00-p1"]
    assert (short["candidates"], short["accepted"]) == ([], None)
    assert short["problem"] == "7 frames, expected at least 10"
    end = events[-1]
    assert (end["videos"], end["failed"], end["frames"], end["unidentified"]) == (4, 1, 142, 1)
    assert end["known"] + end["unknown"] == 2
    # The file has the final matches.
    lines = list(csv.DictReader(Path("m.csv").read_text().splitlines()))
    assert [line["probe"] for line in lines] == list(final)
    for line in lines:
        event = final[line["probe"]]
        nearest = event["candidates"][0] if event["candidates"] else {"identity": "", "distance": ""}
        accepted = "" if event["accepted"] is None else str(event["accepted"]).lower()
        assert (line["identity"], line["distance"]) == (nearest["identity"], str(nearest["distance"]))
        assert (line["accepted"], line["problem"], line["last_s"]) == (accepted, event["problem"], str(event["last_s"]))


def test_file_of_matches_is_continued_and_others_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "a.mp4", walks(12, 1))
    for _ in range(2):
        watch(monkeypatch, is_end_of("a.mp4"), "in", "--out", "m.csv")
    header, *lines = Path("m.csv").read_text().splitlines()
    assert header.startswith("probe,rank,identity,sequence,distance,accepted,first_s,last_s,")
    assert [line.split(",")[:3] for line in lines] == [["a/00/00-p1", "1", "anna"]] * 2
    assert all(line.endswith("fewer than 15 frames") for line in lines)
    Path("m.csv").write_text("probe,rank\n")
    _, err = run("identify", "--watch", "in", "--out", "m.csv", code=1)
    assert "m.csv: found a file with other columns, expected a file of matches, to continue; pass another file" in err
    assert Path("m.csv").read_text() == "probe,rank\n"


def test_lines_of_text_name_person_or_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "a.mp4", walks(70, 1))
    write_video(tmp_path / "in" / "b.mp4", walks(7, 1))

    class Interrupted(PaintedEstimator):
        n = 0

        def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
            Interrupted.n += 1
            if Interrupted.n == 77:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(image, time_s)

    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: Interrupted)
    out, err = run("identify", "--watch", "in", "--threshold", "5")
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == "Watching in: 1 person enrolled, threshold 5.0000. Ctrl-C ends the watch."
    assert lines[1].startswith("a/00/00-p1  0.0 to 2.0 s  provisional: known anna (0.00")
    assert lines[2].startswith("a/00/00-p1  0.0 to 2.3 s  match: known anna (0.00")
    assert lines[3] == "in/a.mp4: 70 frames, 1 person"
    assert lines[4] == "b/00/00-p1  0.0 to 0.2 s  match: not identified: found 7 frames, expected at least 10"
    summary = {" ".join(line.split()[:-1]): line.split()[-1] for line in lines[5:] if line.split()}
    assert (summary["tracks, known"], summary["tracks, not identified"]) == ("1", "1")


def test_stream_that_drops_is_opened_again_and_the_person_stays_one_track(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    def is_late(event: dict[str, Any]) -> bool:
        return event["event"] == "provisional" and bool(event["last_s"] > 1.2)

    monkeypatch.setattr("skelgait.video.updates.SECONDS_BETWEEN_UPDATES", 0.1)
    events, err = watch(monkeypatch, is_late, f"http://anna:secret@{address}/drops")
    (match,) = [event for event in events if event["event"] == "match"]
    assert (match["first_s"], match["video"]) == (0.0, f"http://{address}/drops")
    assert match["last_s"] > 1.2
    assert events[-1]["drops"] == 1
    assert f"http://{address}/drops: the stream dropped; it is opened again until Ctrl-C" in err
    assert "drops: the stream is back after " in err
    assert "secret" not in err + json.dumps(events)


def test_camera_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        def __init__(self, number: object) -> None:
            assert number == 0
            self._frames = iter(walks(130, 1))

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def get(self, _: int) -> float:
            return -1.0

        def read(self) -> tuple[bool, np.ndarray]:
            time.sleep(0.01)
            return True, next(self._frames)[..., ::-1].copy()

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    monkeypatch.setattr("skelgait.video.updates.SECONDS_BETWEEN_UPDATES", 0.3)
    events, _ = watch(monkeypatch, lambda event: event["event"] == "provisional" and event["frames"] > 9, "0")
    assert events[0]["location"] == "0"
    assert events[-2]["event"] == "match"
    assert events[-2]["probe"].startswith("camera0/")


def test_ctrl_c_of_a_process_ends_a_watch_in_which_videos_arrive(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    program = (
        "import sys; from skelgait.video import registry, arrivals; from tests.video.painted import PaintedEstimator;"
        "from skelgait.cli.app import main;"
        "registry.ESTIMATORS['painted'] = lambda *_: PaintedEstimator; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "identify", "--watch", "in", "--json", *FLAGS],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(100, process.kill)
    timer.start()
    events = []
    assert process.stdout is not None
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "start":
            write_video(tmp_path / "in" / "a.mp4", walks(15, 1))
        elif events[-1]["event"] == "video":
            process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    timer.cancel()
    assert (process.returncode, err) == (0, "")
    assert [event["event"] for event in events] == ["start", "match", "video", "end"]
    assert events[1]["candidates"][0]["identity"] == "anna"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("in", "--preview"), "--watch takes no --preview"),
        (("in", "--sequence", "a/00/00-p1"), "--watch takes no --sequence"),
        (("in", "--nproc", "2"), "--watch takes no --nproc"),
        (("in", "--out", "m.json"), "--watch takes no --out with .json, but .csv"),
        (("none",), "--watch: found none, which is not there, expected a folder, the number of a camera, or the"),
        (("anna.mp4",), "--watch: found anna.mp4, which is a file, expected a folder"),
        (("http://anna:secret@127.0.0.1:1/x",), "http://127.0.0.1:1/x: found no camera or stream, expected a video;"),
    ],
)
def test_what_cannot_be_watched_is_refused(tmp_path: Path, args: tuple[str, ...], expected: str) -> None:
    (tmp_path / "in").mkdir()
    out, err = run("identify", "--watch", *args, code=1)
    assert expected in " ".join(err.split())
    assert (out, "secret" in err) == ("", False)


def test_video_at_an_address_is_refused(tmp_path: Path, address: str) -> None:
    assert (tmp_path / "anna.mp4").is_file()
    _, err = run("identify", "--watch", f"http://{address}/anna.mp4", code=1)
    assert "found a video file of 20 frames, expected a camera, or a stream without an end; leave out --watch" in err


@pytest.mark.slow
def test_pairs_of_skeletongait_plus_are_those_of_identify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "plus.pt", replace(TINY, name="skeletongait++"))
    Path("g.h5").unlink()
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "plus.pt")
    write_video(tmp_path / "in" / "a.mp4", walks(40, 2))
    events, _ = watch(monkeypatch, is_end_of("a.mp4"), "in")
    probes = json.loads(run("identify", "in/a.mp4", "--json")[0])["probes"]
    found = {event["probe"]: event["candidates"] for event in events if event["event"] == "match"}
    assert found == {probe["probe"]: probe["candidates"] for probe in probes}
