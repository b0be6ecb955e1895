"""`skelgait enroll` and `skelgait identify` on painted videos."""

from __future__ import annotations

import csv
import json
import re
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.embeddings.gallery import open_gallery
from skelgait.runtime.process_group import ProcessGroup
from skelgait.video import registry
from skelgait.video.estimator import Person
from tests.cli.embedded import TINY
from tests.commands import cli_runner
from tests.embeddings.networks import write_checkpoint
from tests.video.painted import SIZE, PaintedEstimator, paint, walks, write_video

FLAGS = ("--gallery", "g.h5", "--estimator", "painted", "--device", "cpu", "--set", "heatmap.force=true")


@pytest.fixture(autouse=True)
def _workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "c.pt", TINY)
    # Nobody is there in the first second.
    empty = [paint({})] * 30
    write_video(tmp_path / "anna.mp4", empty + walks(20, 1))
    write_video(tmp_path / "both.mp4", walks(20, 2))


def run(*args: str, code: int = 0) -> tuple[str, str]:
    result = cli_runner().invoke(app, [*args, *FLAGS])
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def report(*args: str) -> dict[str, Any]:
    return json.loads(run(*args, "--json")[0])  # type: ignore[no-any-return]


def test_person_of_a_video_is_enrolled_and_found_with_the_time(tmp_path: Path) -> None:
    enrolled = report("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")["enrolled"]
    assert [entry["sequence"] for entry in enrolled] == ["anna/00/00-p1"]
    assert enrolled[0]["source"] == f"{tmp_path / 'anna.mp4'}: anna/00/00-p1"
    (probe,) = report("identify", "anna.mp4", "--out", "x.csv")["probes"]
    assert (probe["first_s"], probe["last_s"]) == (1, pytest.approx(49 / 30, abs=2e-3))
    assert probe["candidates"][0]["identity"] == "anna"
    assert probe["candidates"][0]["distance"] == pytest.approx(0, abs=1e-3)
    (line,) = csv.DictReader(Path("x.csv").read_text().splitlines())
    assert (line["first_s"], line["last_s"]) == (str(probe["first_s"]), str(probe["last_s"]))
    out, _ = run("identify", "both.mp4", "--threshold", "0.01")
    assert out.splitlines()[2].split() == ["probe", "seconds", "result", "person", "distance"]
    assert "both/00/00-p2   0.0 to 0.6    known" in out  # painted people are all alike
    # Sequences of `skelgait video` have the same embedding and times.
    assert cli_runner().invoke(app, ["video", "anna.mp4", "--estimator", "painted"]).exit_code == 0
    assert report("identify", "poses")["probes"] == [probe]
    assert report("enroll", "poses", "--name", "anna")["known"] == ["anna/00/00-p1"]


def test_folder_of_videos_is_read(tmp_path: Path) -> None:
    write_video(tmp_path / "new" / "ben" / "bag" / "left.mp4", walks(20, 1))
    enrolled = report("enroll", "new", "--checkpoint", "c.pt")["enrolled"]
    assert [entry["sequence"] for entry in enrolled] == ["ben/bag/left-p1"]


@pytest.mark.slow
def test_pairs_are_made_for_skeletongait_plus(tmp_path: Path) -> None:
    from dataclasses import replace

    write_checkpoint(tmp_path / "plus.pt", replace(TINY, name="skeletongait++"))
    report("enroll", "anna.mp4", "--checkpoint", "plus.pt")
    for command in (["video", "anna.mp4", "--estimator", "painted"], ["heatmap", "--force"], ["link"]):
        assert cli_runner().invoke(app, command).exit_code == 0
    report("enroll", "pairs", "--name", "again")
    values = open_gallery(Path("g.h5")).rows.embedding_1[:]
    np.testing.assert_allclose(np.asarray(values)[0], np.asarray(values)[1], atol=1e-5)


def test_several_people_of_a_video_are_not_enrolled_under_one_name() -> None:
    for name in (("--name", "anna"), ()):
        _, err = run("enroll", "both.mp4", *name, "--checkpoint", "c.pt", code=1)
        assert "both.mp4: found 2 tracks (both/00/00-p1, both/00/00-p2) for " in err
        assert "pass one, as --sequence both/00/00-p1" in err
    assert not Path("g.h5").exists()
    run("enroll", "both.mp4", "--name", "ben", "--checkpoint", "c.pt", "--sequence", "both/00/00-p2")
    assert list(map(str, open_gallery(Path("g.h5")).rows.keys)) == ["ben/00/00-p2"]


def test_marked_track_is_a_warning_and_one_below_the_floor_is_refused(tmp_path: Path) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")
    write_video(tmp_path / "short.mp4", walks(12, 1))
    _, err = run("identify", "short.mp4")
    assert "short.mp4: short/00/00-p1: fewer than 15 frames" in err
    assert "the result is uncertain" in err
    write_video(tmp_path / "shorter.mp4", walks(7, 1))
    for command in (("identify",), ("enroll", "--name", "ben")):
        _, err = run(command[0], "shorter.mp4", *command[1:], code=1)
        assert "Error: shorter.mp4: shorter/00/00-p1: found 7 frames, expected at least 10" in err


def test_person_below_the_floor_beside_others_is_left_out(tmp_path: Path) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")
    frames = [*walks(7, 2), *walks(20, 1)[7:]]
    write_video(tmp_path / "mixed.mp4", frames)
    out, err = run("identify", "mixed.mp4")
    assert "mixed.mp4: mixed/00/00-p2: found 7 frames, expected at least 10" in err
    assert "left out" in err
    assert "00-p1" in out
    assert "00-p2" not in out


@pytest.mark.parametrize("content", [None, b"", b"junk" * 1000])
def test_video_without_a_person_or_without_frames_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")
    path = tmp_path / "bad.mp4"
    if content is None:
        write_video(path, [paint({}, SIZE)] * 5)
    else:
        path.write_bytes(content)
    for command in ("identify", "enroll"):
        out, err = run(command, "bad.mp4", code=1)
        assert (out, err.startswith("Error: bad.mp4: ")) == ("", True), err
        assert len(err.splitlines()) == 1


def test_preview_shows_names_at_the_people_of_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")
    labels: list[set[str]] = []

    def draw(image: np.ndarray, people: dict[str, np.ndarray]) -> np.ndarray:
        labels.append(set(people))
        return image

    monkeypatch.setattr("skelgait.video.preview.draw_people", draw)
    found = report("identify", "anna.mp4", "--preview", "--threshold", "0.01")
    assert found["previews"] == ["previews/anna_00_00-names.mp4"]
    video = cv2.VideoCapture(found["previews"][0])
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FRAME_WIDTH)) == (50, SIZE[0])
    assert labels == [set()] * 30 + [{"p1 anna"}] * 20
    # Poses of `skelgait video` name their video.
    assert cli_runner().invoke(app, ["video", "both.mp4", "--estimator", "painted"]).exit_code == 0
    labels.clear()
    run("identify", "poses", "--preview", "--threshold", "0")
    assert labels[0] <= {"p1 unknown", "p2 unknown", "p1 anna", "p2 anna"}
    assert len(labels[0]) == 2
    Path("both.mp4").unlink()
    _, err = run("identify", "poses", "--preview")
    assert "both.mp4: found no such video; it has no preview" in err


def test_person_in_a_stream_is_enrolled_and_identified(address: str) -> None:
    url = f"http://anna:secret@{address}/camera"
    (entry,) = report("enroll", url, "--name", "anna", "--checkpoint", "c.pt")["enrolled"]
    assert re.fullmatch(rf"http://{address}/camera: 127\.0\.0\.1/\d{{8}}-\d{{6}}/00-p1", entry["source"])
    out, err = run("identify", url, "--preview")
    assert re.search(r"127\.0\.0\.1/\d{8}-\d{6}/00-p1 +0\.0 to [\d.]+ +anna", out)
    assert "camera: found a stream, which is not seen twice; it has no preview" in err
    assert "secret" not in out + err + str(open_gallery(Path("g.h5")).facts)


def test_ctrl_c_ends_a_stream_and_its_person_is_identified(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")

    class Interrupted(PaintedEstimator):
        frames = 0

        def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
            Interrupted.frames += 1
            if Interrupted.frames == 12:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(image, time_s)

    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: Interrupted)
    (probe,) = report("identify", f"http://{address}/camera")["probes"]
    assert probe["candidates"][0]["identity"] == "anna"
    assert Interrupted.frames == 12


def test_stream_that_cannot_be_opened_is_named_by_enroll_and_identify(tmp_path: Path) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")
    for command in (("identify",), ("enroll", "--name", "ben")):
        _, err = run(command[0], "http://anna:secret@127.0.0.1:1/x", *command[1:], code=1)
        assert "Error: http://127.0.0.1:1/x: found " in err
        assert "no camera or stream" in err
        assert "secret" not in err


def test_frames_of_a_video_are_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skelgait.runtime.progress._SECONDS_BETWEEN_LINES", 0)
    for command in (("enroll", "--name", "anna", "--checkpoint", "c.pt"), ("identify",)):
        _, err = run(command[0], "anna.mp4", *command[1:])
        assert re.search(r"Reading videos: 25/50 frames, [\d.e+]+ frames/s, 0:00:0\d left", err)
        assert "Embedding: 1/1 sequences" in err


def test_video_in_several_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run("enroll", "anna.mp4", "--name", "anna", "--checkpoint", "c.pt")
    monkeypatch.setattr("skelgait.pipelines.video_probes.process_group", lambda: ProcessGroup(0, 2))
    _, err = run("identify", "anna.mp4", code=1)
    assert "--nproc: found 2, expected 1 for videos, which are read by one process; leave out --nproc" in err
