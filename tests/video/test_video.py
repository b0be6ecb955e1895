"""`skelgait video` on painted videos: sequences, names, resume, and bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.preprocess.align import align_silhouette
from skelgait.storage import Key, PickleTree
from skelgait.video import registry
from skelgait.video.estimator import Person
from skelgait.video.index import read_index, read_tracks
from tests.commands import cli_runner
from tests.paths import ROOT
from tests.video.painted import (
    BODY,
    GREEN,
    RED,
    SIZE,
    TEMPLATE,
    PaintedEstimator,
    make_uneven,
    paint,
    walks,
    write_video,
)


@pytest.fixture(autouse=True)
def _painted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
    monkeypatch.chdir(tmp_path)


def run(*args: object, code: int = 0) -> dict[str, Any]:
    """Run `skelgait video --json` and return its report."""
    result = cli_runner().invoke(app, ["video", *map(str, args), "--estimator", "painted", "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def error(*args: object) -> str:
    result = cli_runner().invoke(app, ["video", *map(str, args), "--estimator", "painted"])
    assert result.exit_code != 0
    return " ".join((result.stdout + result.stderr).split())


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.pkl")}


def test_each_person_becomes_a_sequence_of_poses_and_silhouettes(tmp_path: Path) -> None:
    frames = walks(30)
    write_video(tmp_path / "in" / "anna" / "bag" / "left.mp4", frames)
    report = run("in")
    assert {entry["sequence"] for entry in report["sequences"]} == {"anna/bag/left-p1", "anna/bag/left-p2"}
    poses, silhouettes = (
        PickleTree(Path("poses"), {"pose": "*.pkl"}),
        PickleTree(Path("silhouettes"), {"silhouette": "*.pkl"}),
    )
    starts = []
    for key in poses.keys:
        (joints,), (shapes,) = poses.read(key), silhouettes.read(key)
        assert joints.shape == (30, 17, 3)
        assert shapes.shape == (30, 64, 64)
        assert poses.frame_names(key) == silhouettes.frame_names(key) == [f"{t:06d}" for t in range(30)]
        start = joints[0, :, :2] - TEMPLATE * BODY
        assert np.ptp(start, axis=0).max() < 3
        starts.append(tuple(np.rint(start.mean(axis=0) / 10) * 10))
        np.testing.assert_allclose(
            joints[:, :, 0] - joints[0, :, 0], np.repeat(2.0 * np.arange(30)[:, None], 17, 1), atol=3
        )
        mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        mask[40 : 40 + BODY[1], 10 : 10 + BODY[0]] = 255
        assert (shapes[0] != align_silhouette(mask)).mean() < 0.05
    assert sorted(starts) == [(10, 40), (130, 100)]
    entry = read_index(Path("poses"))["anna/bag/left"]
    assert (entry["fps"], entry["width"], entry["height"], entry["frames"]) == (30, *SIZE, 30)
    track = read_tracks(Path("poses"))[Key("anna", "bag", "left-p1")]
    assert (track.video, track.first_s, track.last_s) == (entry["source"], 0, pytest.approx(29 / 30, abs=1e-3))
    quality = track.quality
    assert quality.frames == 30
    assert quality.whole_body == 1


def test_linking_and_drawing_follow_directly(tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "anna" / "bag" / "left.mp4", walks(20, 1))
    run("in")
    for command in (["heatmap", "--force"], ["link"]):
        assert cli_runner().invoke(app, command).exit_code == 0
    assert len(files(Path("pairs"))) == 2


def test_finished_videos_are_skipped_and_changed_ones_are_read_again(tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "anna.mp4", walks(20))
    write_video(tmp_path / "in" / "ben.mp4", walks(20, 1))
    assert run("in")["videos"] == 2
    again = run("in")
    assert (again["videos"], again["skipped"]) == (0, 2)
    path = write_video(tmp_path / "in" / "anna.mp4", walks(25, 1))
    os.utime(path, (1, 1))
    changed = run("in")
    assert (changed["videos"], changed["skipped"]) == (1, 1)
    assert files(Path("poses")) == {"anna/00/00-p1/00-p1.pkl", "ben/00/00-p1/00-p1.pkl"} == files(Path("silhouettes"))


def test_a_killed_run_continues_with_the_next_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("anna", "ben"):
        write_video(tmp_path / "in" / f"{name}.mp4", walks(20, 1))
    made = iter([PaintedEstimator, _Killed])
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: lambda: next(made)())
    assert cli_runner().invoke(app, ["video", "in", "--estimator", "painted"]).exit_code == 130
    assert files(Path("poses")) == {"anna/00/00-p1/00-p1.pkl"}
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
    report = run("in")
    assert (report["videos"], report["skipped"]) == (1, 1)
    assert len(files(Path("poses"))) == 2


class _Killed(PaintedEstimator):
    def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
        if time_s > 0.3:
            raise KeyboardInterrupt
        return super().__call__(image, time_s)


@pytest.mark.slow
def test_a_run_ended_by_sigkill_continues_with_the_next_video(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        write_video(tmp_path / "in" / f"{name}.mp4", walks(20, 1))
    program = """
import os, signal
from skelgait.__main__ import main
from skelgait.video import registry
from tests.video.painted import PaintedEstimator

made = []

class Killed(PaintedEstimator):
    def __init__(self):
        made.append(self)

    def __call__(self, image, time_s):
        if len(made) == 2 and time_s > 0.3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(image, time_s)

registry.ESTIMATORS["painted"] = lambda *_: Killed
main()
"""
    command = [sys.executable, "-c", program, "video", "in", "--estimator", "painted"]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == -signal.SIGKILL
    assert files(Path("poses")) == {"anna/00/00-p1/00-p1.pkl"}
    report = run("in")
    assert (report["videos"], report["skipped"]) == (1, 1)
    assert len(files(Path("poses"))) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing_of_the_video_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    path = write_video(tmp_path / "anna.mp4", walks(20, 1))

    class Interrupted(PaintedEstimator):
        def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
            if time_s > 0.3:
                signal.raise_signal(number)
            return super().__call__(image, time_s)

    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: Interrupted)
    assert cli_runner().invoke(app, ["video", str(path), "--estimator", "painted"]).exit_code == 130
    assert not files(Path("poses"))
    assert not files(Path("silhouettes"))
    assert not read_index(Path("poses"))


def test_a_broken_file_in_the_middle_is_named_and_the_others_are_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("anna", "carl"):
        write_video(tmp_path / "in" / f"{name}.mp4", walks(20, 1))
    (tmp_path / "in" / "ben.mp4").write_bytes(b"no video" * 100)
    report = run("in", code=1)
    assert [entry["sequence"] for entry in report["sequences"]] == ["anna/00/00-p1", "carl/00/00-p1"]
    assert capfd.readouterr().err.count("\n") <= 3  # FFmpeg says nothing
    (failed,) = report["failed"]
    assert failed["video"] == "ben/00/00"
    assert "ben.mp4: found a file that OpenCV cannot read as a video" in failed["reason"]
    assert not Path("poses/ben").exists()


def test_a_file_that_is_cut_off_is_named_with_its_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "anna.avi", walks(60, 1))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = run(path)
    assert any("anna.avi: found" in warning and "frames" in warning for warning in report["warnings"])


def test_a_video_without_people_leaves_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "empty.mp4", [paint({})] * 12)
    assert "empty.mp4: found no person in any of 12 frames" in run(path, code=1)["failed"][0]["reason"]
    assert not files(Path("poses"))
    assert not files(Path("silhouettes"))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("nothing.mp4", "nothing.mp4: found no such file or folder"),
        ("text", "text: found no video and no image"),
        ("text/image.png.txt", "image.png.txt: found a file that OpenCV cannot read as a video"),
        ("one.png", "one.png: found one image"),
        ("zero", "zero: found a damaged image"),
    ],
)
def test_input_that_is_no_video_is_named(tmp_path: Path, location: str, message: str) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "image.png.txt").write_text("hello")
    cv2.imwrite(str(tmp_path / "one.png"), paint({}))
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "0.png").write_bytes(b"")
    assert message.replace("zero: ", "") in error(location)


def test_a_video_of_no_frames_is_named(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "none.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30, SIZE)
    writer.release()
    assert "none.avi: found" in run("none.avi", code=1)["failed"][0]["reason"]


def test_image_folders_with_alpha_are_read_as_opaque(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "anna"
    folder.mkdir(parents=True)
    for t, frame in enumerate(walks(20, 2)):
        alpha = np.full(frame.shape[:2], 255, np.uint8)
        alpha[:, 120:] = 0  # the second person is transparent
        cv2.imwrite(str(folder / f"{t}.png"), np.dstack([frame[..., ::-1], alpha]))
    report = run("in")
    assert [entry["sequence"] for entry in report["sequences"]] == ["anna/00/00-p1"]
    assert report["sequences"][0]["quality"]["frames"] == 20
    assert any("found no frames per second, assumed 30" in warning for warning in report["warnings"])


def test_images_of_two_sizes_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "anna"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), paint({}))
    cv2.imwrite(str(folder / "1.png"), paint({}, (100, 100)))
    assert "frame 1: found an image of 100 x 100, expected 320 x 240" in run(folder, code=1)["failed"][0]["reason"]


def test_a_turned_phone_gives_an_upright_video(tmp_path: Path) -> None:
    upright = [np.ascontiguousarray(frame) for frame in walks(20, 1)]
    path = write_video(tmp_path / "phone.mp4", [cv2.rotate(frame, cv2.ROTATE_90_COUNTERCLOCKWISE) for frame in upright])
    content = path.read_bytes()
    at = content.index(b"tkhd") + 44  # the matrix of the track
    turned = b"".join(n.to_bytes(4, "big", signed=True) for n in (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30))
    path.write_bytes(content[:at] + turned + content[at + 36 :])
    run(path)
    entry = read_index(Path("poses"))["phone/00/00"]
    assert (entry["width"], entry["height"]) == SIZE
    ((joints,),) = [PickleTree(Path("poses"), {"pose": "*.pkl"}).read(Key("phone", "00", "00-p1"))]
    assert joints[0, 0, 1] < joints[0, 15, 1]


def test_times_of_a_variable_frame_rate_are_kept(tmp_path: Path) -> None:
    make_uneven(write_video(tmp_path / "phone.mp4", walks(20, 1)))
    report = run("phone.mp4")
    expected = [n / 60 if n < 10 else 10 / 60 + (n - 10) / 20 for n in range(20)]
    assert report["sequences"][0]["times_s"] == pytest.approx(expected, abs=0.0011)
    assert report["sequences"][0]["last_s"] == pytest.approx(expected[-1], abs=0.0011)
    (warning,) = report["warnings"]
    assert warning.startswith("phone.mp4: found 17 to 50 ms from frame to frame; for even steps run: ffmpeg -i INPUT ")
    assert re.search(r"fps=(30|60) ", warning)  # OpenCV 4.8 gives another rate than newer versions
    write_video(tmp_path / "even.mp4", walks(20, 1))
    assert "times_s" not in run("even.mp4")["sequences"][0]


def test_names_give_identity_and_view(tmp_path: Path) -> None:
    write_video(tmp_path / "in" / "anna_left.mp4", walks(20, 1))
    report = run("in", "--names", "{identity}_{view}")
    assert [entry["sequence"] for entry in report["sequences"]] == ["anna/00/left-p1"]


def test_short_and_small_people_are_marked(tmp_path: Path) -> None:
    path = write_video(tmp_path / "anna.mp4", walks(12, 1))
    report = run(path, "--min-height", 200)
    assert report["sequences"][0]["quality"]["marks"] == ["fewer than 15 frames", "lower than 200 px"]
    hint = "it may not be recognized; use a longer video, nearer to the camera, in which the whole body is seen"
    assert report["warnings"][:2] == [
        f"anna/00/00-p1: fewer than 15 frames, {hint}",
        f"anna/00/00-p1: lower than 200 px, {hint}",
    ]


def test_preview_shows_the_skeletons(tmp_path: Path) -> None:
    path = write_video(tmp_path / "anna.mp4", walks(20, 1))
    run(path, "--preview")
    capture = cv2.VideoCapture(str(tmp_path / "previews" / "anna_00_00.mp4"))
    drawn = np.stack([capture.read()[1] for _ in range(20)])
    plain = np.stack(walks(20, 1))[..., ::-1]
    is_changed = np.abs(drawn.astype(int) - plain).max(axis=3) > 60
    assert is_changed.any(axis=(1, 2)).all()
    assert is_changed.mean() < 0.05


def test_other_settings_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "anna.mp4", walks(20, 1))
    run(path)
    assert "max_people 4, expected max_people 2" in error(path, "--max-people", 2)


def test_unknown_estimator_is_named(tmp_path: Path) -> None:
    path = write_video(tmp_path / "anna.mp4", walks(2, 1))
    result = cli_runner().invoke(app, ["video", str(path), "--estimator", "guess"])
    assert "--estimator" in result.stdout + result.stderr
    assert "mediapipe or rtmlib" in result.stdout + result.stderr


def test_colors_are_told_apart() -> None:
    people = PaintedEstimator()(paint({RED: (10, 40), GREEN: (130, 100)}), 0.0)
    assert [round(float(person.joints[:, 0].mean())) for person in people] == [25, 145]
